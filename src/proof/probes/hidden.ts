/** Files of the host that should not be there: by their names, by going up, by magic links, in the list of mounts. */
import { tmpdir } from 'node:os'
import { TRUST } from '../../network/index.js'
import { byEngineAlone, covers } from './derive.js'
import type { Attempt, Bench, Given, Pointless, Probe, Trial } from './probe.js'
import { attempt, refused, type Words } from './refused.js'
import type { ThreatId } from './threats.js'

function probe(
  id: string,
  threat: ThreatId,
  tries: string,
  trial: (given: Given) => Trial | Pointless,
): Probe {
  return { id: `files.${id}`, claim: 'files.host-hidden', threat, tries, trial }
}

const HOST_FOLDERS = [
  '/root',
  '/home',
  '/boot',
  '/mnt',
  '/opt',
  '/srv',
  '/media',
  '/run',
  '/var/lib',
  '/var/log',
  '/var/cache',
]
const HOST_FILES = [
  '/etc/shadow',
  '/etc/machine-id',
  '/etc/ssh',
  '/etc/fstab',
  '/etc/sudoers',
  '/etc/os-release',
  '/etc/crontab',
]
const SYS = [
  '/sys',
  '/sys/class/dmi/id/product_name',
  '/sys/class/net',
  '/sys/kernel',
  '/sys/devices',
  '/sys/fs/cgroup',
]

/** Not those that the policy itself grants. */
function ungranted({ plan }: Given, paths: readonly string[]): string[] {
  const granted = [...plan.files.read, ...plan.files.write, ...plan.files.live].map(({ inside }) => inside)
  const places = [...granted, ...plan.files.scratch.places, plan.files.workdir]
  return paths.filter((path) => !places.some((place) => covers(path, place) || covers(place, path)))
}

/** Such a name tells nothing then; whether a file of the host is there, the decoys do. */
function ofTree({ plan }: Given): Pointless | null {
  return plan.files.root.kind === 'host'
    ? null
    : { pointless: 'the root is a tree that may have such names of its own' }
}

function absent(given: Given, paths: readonly string[]): Trial | Pointless {
  const words = ungranted(given, paths).map((path): Words => ['there', path])
  if (words.length === 0) return { pointless: 'the policy grants all of these' }
  return refused(() => words, {
    // whichever this host has; each has some
    control: () => words.map((each) => ({ words: each, lacking: ({ result }) => result === 'ENOENT' })),
  })
}

const hasCanary =
  ({ decoys }: Bench): NonNullable<Attempt['reached']> =>
  ({ detail }) =>
    detail.includes(decoys.canary)

/** Unless a grant shows the decoys where they are. */
function hidden(
  given: Given,
  attempts: (bench: Bench) => readonly Attempt[],
  control?: (bench: Bench) => readonly Attempt[],
) {
  const { read, live } = given.plan.files
  if ([...read, ...live].some(({ host, inside }) => host === inside && covers(host, tmpdir())))
    return { pointless: `a grant shows ${tmpdir()}, where the decoys are` }
  return refused(attempts, control === undefined ? {} : { control })
}

const canaryBy = (bench: Bench, ...ways: readonly string[]) =>
  ways.map((way) => attempt(['read', `${way}${bench.decoys.file}`], hasCanary(bench)))

export const hiddenProbes: readonly Probe[] = [
  probe('canary', 'shown-by-mistake', 'read a file of the host by its name', (given) =>
    hidden(given, (bench) => canaryBy(bench, '')),
  ),
  probe('canary-folder', 'shown-by-mistake', 'list a folder of the host, write to it', (given) =>
    hidden(given, ({ decoys }) => [
      attempt(['list', decoys.folder]),
      attempt(['create', decoys.folder]),
      attempt(['write', decoys.file]),
    ]),
  ),
  probe(
    'magic-links',
    'magic-links',
    'read it by magic links, its own and those of the first process',
    (given) =>
      hidden(
        given,
        (bench) =>
          canaryBy(
            bench,
            ...[
              '/proc/self/root',
              '/proc/thread-self/root',
              '/proc/1/root',
              '/proc/1/cwd/..',
              '/proc/self/cwd/..',
            ],
          ),
        (bench) => canaryBy(bench, '/proc/self/root', '/proc/thread-self/root'),
      ),
  ),
  probe('descriptors', 'magic-links', 'reach a folder by the link of a descriptor', () =>
    refused(() => Array.from({ length: 24 }, (_, fd) => ['chdir', `/proc/self/fd/${fd}`] as const), {
      control: () => [['chdir', '/proc/self/cwd']],
    }),
  ),
  probe('above', 'outside-workdir', 'read it by going up from where it works', (given) =>
    hidden(given, (bench) => [attempt(['read-from-above', bench.decoys.file], hasCanary(bench))]),
  ),
  probe('climb', 'outside-workdir', 'go up until it is outside of its root', () =>
    refused(
      ({ plan }) =>
        [plan.files.workdir, '/', '/tmp', '/proc/self/cwd', '/proc/self/root', '/dev/shm', '/usr/bin'].map(
          (from) => ['climb', from] as const,
        ),
      // nothing in the open lies outside of the root: what it can show is that the way up leads to it
      { control: () => [attempt(['climb', '/usr/bin'], ({ result }) => result === 'EXDEV')] },
    ),
  ),
  probe(
    'folders',
    'shown-by-mistake',
    "find the host's own folders",
    (given) => ofTree(given) ?? absent(given, HOST_FOLDERS),
  ),
  probe(
    'configuration',
    'shown-by-mistake',
    "find the host's own configuration",
    (given) => ofTree(given) ?? absent(given, HOST_FILES),
  ),
  probe('sys', 'host-information', 'find /sys', (given) =>
    // over a tree's own, whatever that is, and over what an engine mounts there, there is an empty folder
    absent(
      given,
      ofTree(given) === null && !byEngineAlone(given) ? SYS : SYS.filter((path) => path !== '/sys'),
    ),
  ),
  probe('users', 'host-information', "find the host's users", (given) =>
    ungranted(given, ['/etc/passwd']).length === 0
      ? { pointless: 'the policy grants /etc/passwd' }
      : refused(() => [
          attempt(
            ['read', '/etc/passwd'],
            ({ detail }) => !/^root:\S* job:x:\d+:\d+::\S* nobody:\S*$/.test(detail),
          ),
        ]),
  ),
  probe('mount-list', 'mount-list', 'find paths of the host in the list of mounts', (given) =>
    byEngineAlone(given)
      ? { pointless: 'an engine says there where it keeps images, and what it was told to show' }
      : refused(() => [attempt(['read', '/proc/self/mountinfo'], ({ detail }) => tellsPaths(given, detail))]),
  ),
]

/** What a line of mountinfo may name of the file system that it shows: all of it, the same place, scratch, or a device. */
const OWN_ROOT = /^\/(newroot|\d+|sys|null|zero|full|random|urandom|tty)?$/
/** Of the sandbox's own /etc, shown where programs of the host look for authorities. */
const OWN_FILES: readonly string[] = Object.values(TRUST).map((name) => `/${name}`)

function tellsPaths({ plan }: Given, mountinfo: string): boolean {
  const granted = [...plan.files.read, ...plan.files.live].map(({ inside }) => inside)
  // a last line that was cut has no separator
  const lines = mountinfo.split(/ (?=\d+ \d+ \d+:\d+ )/).filter((line) => line.includes(' - '))
  return lines.some((line) => {
    const [, , , root = '', point = ''] = line.split(' ')
    const isHosts = point === '/sys' || (root !== point && !OWN_ROOT.test(root) && !OWN_FILES.includes(root))
    return isHosts && !granted.some((place) => covers(place, point))
  })
}
