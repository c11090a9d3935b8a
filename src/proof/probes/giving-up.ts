/** What a job under `compute`, or after its lock, has given up: programs, sockets, files. */
import type { Probe } from './probe.js'
import { attempt, refused } from './refused.js'

const EXECS: readonly (readonly [way: string, tries: string])[] = [
  ['execve', 'execute a second program by execve'],
  ['execveat', 'execute a second program by execveat'],
  ['descriptor', 'execute a second program by a descriptor'],
  ['memory-file', 'execute a second program from memory'],
  ['threads', 'execute a second program from several threads at once'],
  ['vfork', 'execute a second program after vfork'],
  ['spawn', 'execute a second program by posix_spawn'],
]

/** Unix, and those of networks: stream, datagram, sequence. */
const SOCKETS = ['1', '2', '10', '16'].flatMap((family) =>
  ['1', '2', '3', '5'].map((type) => [family, type] as const),
)

/** Before the lock each succeeds, or the profile refuses it anyway; which of them the control shows. */
const LOCKED: readonly (readonly [what: string, tries: string])[] = [
  ['open', 'open a file after the lock'],
  ['create', 'make a file after the lock'],
  ['folder', 'make a folder after the lock'],
  ['socket', 'make a socket after the lock'],
  ['pair', 'make a pair of sockets after the lock'],
  ['exec', 'execute a program after the lock'],
  ['thread', 'open a file after the lock, in a thread of before'],
  ['child', 'open a file after the lock, in a process of before'],
]

export const givingUpProbes: readonly Probe[] = [
  ...EXECS.map(
    ([way, tries]): Probe => ({
      id: `no-exec.${way}`,
      claim: 'syscalls.no-exec',
      threat: 'decoder-taken-over',
      tries,
      trial: () => refused(() => [['exec', way]]),
    }),
  ),
  {
    id: 'no-sockets.any',
    claim: 'syscalls.no-sockets',
    threat: 'decoder-taken-over',
    tries: 'make a socket',
    trial: () =>
      refused(() => SOCKETS.map(([family, type]) => ['socket', family, type, '0'] as const), {
        control: () => [['socket', '1', '1', '0']],
      }),
  },
  {
    id: 'no-sockets.pairs',
    claim: 'syscalls.no-sockets',
    threat: 'decoder-taken-over',
    tries: 'make a pair of sockets',
    trial: () => refused(() => ['1', '2', '5'].map((type) => ['pair', '1', type] as const)),
  },
  ...LOCKED.map(
    ([what, tries]): Probe => ({
      id: `lock.${what}`,
      claim: 'syscalls.lock',
      threat: 'decoder-taken-over',
      tries,
      trial: () =>
        refused(
          // EPROTO: it asked, and is not locked
          () => [attempt(['locked', what], ({ result }) => result === 'ok' || result === 'EPROTO')],
          { control: () => [['unlocked', what]] },
        ),
    }),
  ),
]
