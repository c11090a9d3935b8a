/** Looks at one mechanism each, where no probe of `glovebox verify` isolates it. They have no control: the missing wall is it. */
import { readFileSync, readlinkSync } from 'node:fs'
import type { RequirementId } from '../../src/plan/index.js'
import type { Attempt, Bench, Probe } from '../../src/proof/probes/index.js'

type Seen = Parameters<NonNullable<Attempt['reached']>>[0]
type Words = readonly [string, ...string[]]

function looks(
  id: string,
  claim: RequirementId,
  words: (bench: Bench) => Words,
  reached: (seen: Seen, bench: Bench) => boolean,
): Probe {
  return {
    id: `looks.${id}`,
    claim,
    threat: 'host-processes',
    tries: id,
    trial: () => ({
      inside: async (bench) =>
        (await bench.inside([{ words: words(bench), reached: (seen) => reached(seen, bench) }])).tried,
      control: async () => [],
    }),
  }
}

const ok = ({ result }: Seen) => result === 'ok'
const namespace = (kind: string, claim: RequirementId) =>
  looks(
    `namespace-${kind}`,
    claim,
    () => ['link', `/proc/self/ns/${kind}`],
    ({ detail }) => detail === readlinkSync(`/proc/self/ns/${kind}`),
  )
const limit = (id: string, claim: RequirementId, number: number, good: (detail: string) => boolean) =>
  looks(
    id,
    claim,
    () => ['rlimit', `${number}`],
    ({ detail }) => !good(detail.trim()),
  )

export const LOOKS: readonly Probe[] = [
  looks(
    'ids',
    'identity.unprivileged',
    () => ['ids'],
    ({ detail }) => detail.trim() !== '1000 1000',
  ),
  looks(
    'capabilities',
    'identity.unprivileged',
    () => ['read', '/proc/self/status'],
    ({ detail }) => /CapEff:\??0*[1-9a-f]/.test(detail),
  ),
  looks('user-namespace', 'identity.no-user-namespaces', () => ['clone', '10000000'], ok),
  looks(
    'pids',
    'isolation.processes',
    () => ['pids'],
    ({ detail }, { decoys }) => detail.split(' ').includes(`${decoys.process.pid}`),
  ),
  looks('first-process', 'isolation.processes', () => ['read', '/proc/1/environ'], ok),
  namespace('ipc', 'isolation.ipc'),
  namespace('net', 'network.none'),
  namespace('uts', 'isolation.host-name'),
  namespace('cgroup', 'isolation.cgroup-view'),
  looks(
    'descriptors',
    'isolation.nothing-inherited',
    () => ['fds'],
    ({ detail }) => detail.trim() !== '0 1 2',
  ),
  looks(
    'environment',
    'isolation.nothing-inherited',
    () => ['read', '/proc/self/environ'],
    ({ detail }) => detail.includes('GLOVEBOX_CALLERS=1'),
  ),
  looks(
    'signals',
    'isolation.nothing-inherited',
    () => ['signals'],
    ({ detail }) => detail.trim() !== '',
  ),
  limit('limit-cpu', 'isolation.nothing-inherited', 0, (soft) => soft === 'unlimited'),
  limit('limit-core', 'limits.no-core-dumps', 4, (soft) => soft === '1'),
  limit('limit-files', 'limits.open-files', 7, (soft) => Number(soft) <= 1024),
  limit('limit-processes', 'limits.processes', 6, (soft) => Number(soft) <= 1024),
  limit('limit-file-size', 'files.scratch-bounded', 1, (soft) => soft !== 'unlimited'),
  looks(
    'session',
    'isolation.no-terminal',
    () => ['session'],
    ({ detail }) => detail.trim() === 'own 0',
  ),
  looks(
    'root',
    'files.host-hidden',
    ({ decoys }) => ['read', decoys.file],
    ({ detail }, { decoys }) => detail.includes(decoys.canary),
  ),
  looks(
    'passwd',
    'files.host-hidden',
    () => ['read', '/etc/passwd'],
    ({ detail }) => detail.includes('daemon'),
  ),
  looks('new-in-root', 'files.root-read-only', () => ['create', '/'], ok),
  looks(
    'devices',
    'files.devices',
    () => ['list', '/dev'],
    ({ detail }) => detail.split(' ').some((name) => name === 'kmsg' || name === 'mem' || name === 'loop0'),
  ),
  looks(
    'command-line',
    'files.proc',
    () => ['read', '/proc/cmdline'],
    ({ detail }) => detail.includes(readFileSync('/proc/cmdline', 'latin1').split(/\s/)[0] ?? '-'),
  ),
  looks('scratch', 'files.scratch-bounded', () => ['inodes', '/tmp', '6000'], ok),
  looks('key', 'syscalls.profile', () => ['add-key'], ok),
  looks('session-keyring', 'isolation.nothing-inherited', () => ['keyctl'], ok),
  looks(
    'int80',
    'syscalls.native-abi-only',
    () => ['int80'],
    ({ result }) => result !== 'SIGSYS',
  ),
  looks('socket', 'network.none', () => ['socket', '2', '1', '0'], ok),
]
