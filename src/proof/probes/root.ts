/** Files: the host's that should not be there, and the sandbox's that can't be changed. */
import { tmpdir } from 'node:os'
import type { RequirementId } from '../../plan/index.js'
import { covers, has } from './derive.js'
import type { Attempt, Bench, Given, Pointless, Probe, Trial } from './probe.js'
import { attempt, refused, type Words } from './refused.js'
import type { ThreatId } from './threats.js'

function probe(
  id: string,
  claim: RequirementId,
  threat: ThreatId,
  tries: string,
  trial: (given: Given) => Trial | Pointless,
): Probe {
  return { id: `files.${id}`, claim, threat, tries, trial }
}

/** Where a job may write: the plan's scratch and live grants, and what /var/tmp leads to. */
function writable({ plan }: Pick<Bench, 'plan'>): string[] {
  return [...plan.files.scratch.places, ...plan.files.live.map(({ inside }) => inside), '/var/tmp']
}

/** Devices that take whatever is written to them; /proc is tried by its own probes. */
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'ptmx', 'pts'].map(
  (name) => `/dev/${name}`,
)
const KNOWN_DEVICES = new Set([
  ...[
    'core',
    'fd',
    'full',
    'null',
    'ptmx',
    'pts',
    'random',
    'shm',
    'stderr',
    'stdin',
    'stdout',
    'tty',
    'urandom',
  ],
  ...['zero', 'console', ''],
])
const HOST_DEVICES = [
  'mem',
  'kmsg',
  'port',
  'fuse',
  'kvm',
  'net/tun',
  'sda',
  'vda',
  'nvme0n1',
  'loop-control',
  'tty0',
  'mapper',
]

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

export const fileProbes: readonly Probe[] = [
  probe('canary', 'files.host-hidden', 'shown-by-mistake', 'read a file of the host by its name', (given) =>
    hidden(given, (bench) => canaryBy(bench, '')),
  ),
  probe(
    'canary-folder',
    'files.host-hidden',
    'shown-by-mistake',
    'list a folder of the host, write to it',
    (given) =>
      hidden(given, ({ decoys }) => [
        attempt(['list', decoys.folder]),
        attempt(['create', decoys.folder]),
        attempt(['write', decoys.file]),
      ]),
  ),
  probe(
    'magic-links',
    'files.host-hidden',
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
  probe('descriptors', 'files.host-hidden', 'magic-links', 'reach a folder by the link of a descriptor', () =>
    refused(() => Array.from({ length: 24 }, (_, fd) => ['chdir', `/proc/self/fd/${fd}`] as const), {
      control: () => [['chdir', '/proc/self/cwd']],
    }),
  ),
  probe('above', 'files.host-hidden', 'outside-workdir', 'read it by going up from where it works', (given) =>
    hidden(given, (bench) => [attempt(['read-from-above', bench.decoys.file], hasCanary(bench))]),
  ),
  probe('climb', 'files.host-hidden', 'outside-workdir', 'go up until it is outside of its root', () =>
    refused(
      ({ plan }) =>
        [plan.files.workdir, '/', '/tmp', '/proc/self/cwd', '/proc/self/root', '/dev/shm', '/usr/bin'].map(
          (from) => ['climb', from] as const,
        ),
      // nothing in the open lies outside of the root: what it can show is that the way up leads to it
      { control: () => [attempt(['climb', '/usr/bin'], ({ result }) => result === 'EXDEV')] },
    ),
  ),
  probe('folders', 'files.host-hidden', 'shown-by-mistake', "find the host's own folders", (given) =>
    absent(given, HOST_FOLDERS),
  ),
  probe(
    'configuration',
    'files.host-hidden',
    'shown-by-mistake',
    "find the host's own configuration",
    (given) => absent(given, HOST_FILES),
  ),
  probe('sys', 'files.host-hidden', 'host-information', 'find /sys', (given) => absent(given, SYS)),
  probe('users', 'files.host-hidden', 'host-information', "find the host's users", (given) =>
    ungranted(given, ['/etc/passwd']).length === 0
      ? { pointless: 'the policy grants /etc/passwd' }
      : refused(() => [
          attempt(
            ['read', '/etc/passwd'],
            ({ detail }) => !/^root:\S* job:x:\d+:\d+::\S* nobody:\S*$/.test(detail),
          ),
        ]),
  ),
  probe(
    'mount-list',
    'files.host-hidden',
    'mount-list',
    'find paths of the host in the list of mounts',
    (given) =>
      hidden(given, () => [
        attempt(['read', '/proc/self/mountinfo'], ({ detail }) => detail.includes(' /sys ')),
      ]),
  ),
  probe(
    'programs',
    'files.root-read-only',
    'programs-of-the-host',
    'write to programs, libraries and configuration',
    () =>
      refused(
        () => [
          ['overwrite', '/usr/bin/env'],
          ['overwrite', '/proc/1/exe'],
          ['write', '/etc/passwd'],
          ...['/', '/usr', '/usr/bin', '/usr/lib', '/etc', '/proc', '/dev'].map(
            (folder) => ['create', folder] as const,
          ),
        ],
        {
          control: ({ decoys }) => [
            ['overwrite', decoys.file],
            ['write', decoys.file],
            ['create', decoys.folder],
          ],
        },
      ),
  ),
  probe('mounts', 'files.root-read-only', 'shown-by-mistake', 'write to any mount that is not scratch', () =>
    refused((bench) => [['writable-mounts', ...writable(bench), ...DEVICES, '/proc']], {
      control: () => [['writable-mounts', '/proc', '/sys', '/dev']],
      where: 'privileged',
    }),
  ),
  probe('near', 'files.root-read-only', 'shown-by-mistake', 'write to any folder or file near the root', () =>
    refused((bench) => [['writable-near', '/', ...writable(bench), ...DEVICES, '/proc']], {
      control: ({ decoys }) => [['writable-near', decoys.folder, '/none']],
    }),
  ),
  probe('hard-links', 'files.root-read-only', 'hard-links', 'link files of the host into its scratch', () =>
    refused(
      () => [
        ['hard-link', '/usr/bin/env', '/tmp'],
        ['hard-link', '/etc/passwd', '/tmp'],
        ['hard-link-fd', '/usr/bin/env', '/tmp'],
        ['hard-link', '/proc/self/environ', '/tmp'],
      ],
      {
        control: ({ decoys }) => [
          ['hard-link', decoys.file, decoys.folder],
          ['hard-link-fd', decoys.file, decoys.folder],
        ],
      },
    ),
  ),
  probe('devices', 'files.devices', 'device-nodes', 'find a device of the host', () =>
    refused(
      () => [
        attempt(['list', '/dev'], ({ detail }) => detail.split(' ').some((name) => !KNOWN_DEVICES.has(name))),
        attempt(['list', '/dev/pts'], ({ detail }) => /\d/.test(detail)),
        ...HOST_DEVICES.map((name) => attempt(['there', `/dev/${name}`])),
      ],
      { control: () => [attempt(['list', '/dev'], ({ detail }) => detail !== '')] },
    ),
  ),
  probe('nodes', 'files.devices', 'device-nodes', 'make a device', (given) => {
    const kinds = has(given, 'MKNOD') ? ['character', 'block', 'whiteout'] : ['whiteout']
    return refused(
      () =>
        ['character', 'block', 'whiteout', 'rename'].flatMap((kind) =>
          ['/tmp', '/dev/shm', '/dev'].map((folder) => ['node', kind, folder] as const),
        ),
      { control: ({ decoys }) => kinds.map((kind) => ['node', kind, decoys.folder] as const) },
    )
  }),
]
