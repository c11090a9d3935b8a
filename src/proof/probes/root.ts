/** Files of the sandbox: programs that can't be changed, devices that are harmless. */
import type { RequirementId } from '../../plan/index.js'
import { byEngineAlone, has } from './derive.js'
import type { Bench, Given, Pointless, Probe, Trial } from './probe.js'
import { attempt, refused } from './refused.js'
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
const isKnown = (given: Given, name: string) =>
  KNOWN_DEVICES.has(name) || (name === 'mqueue' && byEngineAlone(given))
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

export const rootProbes: readonly Probe[] = [
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
      control: ({ decoys }) => [['writable-mount-of', decoys.folder]],
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
  probe('host-devices', 'files.devices', 'device-nodes', 'find a device of the host', (given) =>
    refused(
      () => [
        attempt(['list', '/dev'], ({ detail }) => detail.split(' ').some((name) => !isKnown(given, name))),
        // an engine's mount that is covered
        attempt(['list', '/dev/mqueue'], ({ result, detail }) => result === 'ok' && detail !== ''),
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
