/** System calls by their numbers, by other ABIs, by families of sockets, and by the modes that they set. */
import { boundaryNamed } from '../../boundary/index.js'
import type { Plan } from '../../plan/index.js'
import { unlessAllowed } from './derive.js'
import type { Given, Pointless, Probe, Trial } from './probe.js'
import { attempt, refused, type Words } from './refused.js'

const ENOSYS = 38
/** The highest number of a family that any kernel has, and one more. */
const LAST_FAMILY = 46
const [UNIX, INET, INET6, NETLINK] = [1, 2, 10, 16] as const

/** Harmless and there on every kernel of today: openat2, clone3, fchmodat2, and queues; these are asked in the open. */
const KNOWN_TO_KERNELS = ['unknown-numbers', '435.437'] as const

/** `0-3.7`: as the program reads it. */
function ranges(numbers: readonly number[]): string {
  const found: [number, number][] = []
  for (const number of numbers) {
    const last = found.at(-1)
    if (last !== undefined && last[1] === number - 1) last[1] = number
    else found.push([number, number])
  }
  return found.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join('.')
}

function refusals({ plan, host }: Given): ReadonlyMap<number, readonly number[]> {
  return boundaryNamed(plan.boundary)?.refusals(plan, host) ?? new Map()
}

/** In the open each of these numbers must be answered by something else than the filter. */
function eachRefused(given: Given): Trial | Pointless {
  if (given.plan.syscalls.deny.includes('seccomp'))
    return { pointless: 'the policy denies seccomp, by which calls are asked about without making them' }
  const groups = [...refusals(given)].filter(([errno]) => errno !== ENOSYS)
  const words = groups.map(([errno, numbers]): Words => ['refused-numbers', `${errno}`, ranges(numbers)])
  return refused(() => words, {
    control: () =>
      words.map((each, index) =>
        attempt(each, ({ detail }) => detail.split(' ').length === groups[index]?.[1].length),
      ),
  })
}

function eachUnknown(given: Given): Trial | Pointless {
  const numbers = refusals(given).get(ENOSYS) ?? []
  if (numbers.length === 0) return { pointless: 'the policy refuses no number as unknown' }
  return refused(() => [['unknown-numbers', ranges(numbers)]], {
    control: () => [attempt(KNOWN_TO_KERNELS, ({ detail }) => detail === '435 437')],
  })
}

/** Families of which the plan lets some sockets be made. */
function families({ network, files, syscalls }: Plan): readonly number[] {
  if (syscalls.profile === 'compute') return []
  const hostFolders = files.read.length + files.live.length > 0
  return [...(hostFolders ? [] : [UNIX]), ...(network === null ? [] : [INET, INET6, NETLINK])]
}

function others({ plan }: Given): Trial {
  const open = families(plan)
  const closed = Array.from({ length: LAST_FAMILY }, (_, number) => number).filter(
    (each) => !open.includes(each),
  )
  const words = ranges(closed)
    .split('.')
    .map((range): Words => ['families', range.includes('-') ? range : `${range}-${range}`])
  // no other family is asked for in the open: this host's kernel would load a module for it
  return refused(() => words, {
    control: () => [UNIX, INET, NETLINK].map((each) => ['families', `${each}-${each}`]),
  })
}

/** Of the families that it has, protocols beyond TCP, UDP and routes. */
function protocols({ plan }: Given): Trial | Pointless {
  if (plan.network === null || plan.syscalls.profile === 'compute')
    return { pointless: 'the plan leaves no such family' }
  const beyond = (words: Words, known: readonly string[]) =>
    attempt(
      words,
      ({ result, detail }) => result === 'ok' && detail.split(' ').some((each) => !known.includes(each)),
    )
  return refused(
    () => [
      beyond(['protocols', `${INET}`, '1'], ['0', '6']),
      beyond(['protocols', `${INET}`, '2'], ['0', '17']),
      ['protocols', `${INET}`, '3'],
      ['protocols', `${INET6}`, '3'],
      beyond(['protocols', `${NETLINK}`, '3'], ['0']),
    ],
    { control: () => [['socket', `${NETLINK}`, '3', '16']] },
  )
}

/** What the kernel says of an ABI that it does not have. */
const isNative = process.arch === 'x64'
const killed = (...words: Words) => attempt(words, ({ result }) => result !== 'SIGSYS')
const survived = (...words: Words) => ({
  ...attempt(words, ({ result }) => result === 'ok' || result === 'ENOSYS'),
  // built without it: int 0x80 is no instruction then
  lacking: ({ result }: { result: string }) => result === 'SIGSEGV',
})

function abi(id: string, tries: string, attempts: readonly Words[]): Probe {
  return {
    id: `abi.${id}`,
    claim: 'syscalls.native-abi-only',
    threat: 'other-abis',
    tries,
    trial: () =>
      isNative
        ? refused(() => attempts.map((words) => killed(...words)), {
            control: () => attempts.map((words) => survived(...words)),
          })
        : { pointless: 'there is no other ABI on this architecture that the program could use' },
  }
}

const CHANGING = [
  'chmod',
  'chmod-fd',
  'chmod-junk',
  'fchmod',
  'fchmodat',
  'fchmodat2',
  'fchmodat2-fd',
] as const
const OPENING = ['open', 'openat', 'openat2', 'tmpfile', 'creat'] as const
const MAKING = ['mknod', 'mknodat'] as const
const BITS = ['4755', '2755', '6000'] as const

function setid(id: string, tries: string, calls: readonly string[]): Probe {
  const attempts = (folder: string) =>
    calls.flatMap((call) => BITS.map((bits): Words => ['setid', call, folder, bits]))
  return {
    id: `modes.${id}`,
    claim: 'syscalls.profile',
    threat: 'setuid-bits',
    tries,
    trial: (given) =>
      unlessAllowed(
        given,
        calls,
        refused(() => [...attempts('/tmp'), ...attempts('/dev/shm')], {
          control: ({ decoys }) => attempts(decoys.folder),
        }),
      ),
  }
}

function calls(id: string, threat: Probe['threat'], tries: string, trial: Probe['trial']): Probe {
  return { id: `calls.${id}`, claim: 'syscalls.profile', threat, tries, trial }
}

export const callProbes: readonly Probe[] = [
  calls('refused', 'every-call', 'make each system call that the profile refuses', eachRefused),
  calls('unknown', 'every-call', 'make each system call that the profile does not know', eachUnknown),
  calls('families', 'socket-families', 'make a socket of each family that the plan does not name', others),
  calls(
    'protocols',
    'socket-families',
    'make raw sockets, and of other protocols, in the families that it has',
    protocols,
  ),
  abi('int80', 'make a system call by int 0x80', [['int80', '20']]),
  abi('int80-socket', 'make a socket by int 0x80', [
    ['int80-socket', '2'],
    ['int80-socketcall', '2'],
  ]),
  abi('x32', 'make a system call by its x32 number', [
    ['x32', '39'],
    ['x32', '2'],
    ['x32', '41'],
  ]),
  setid('changed', 'set a setuid or setgid bit by chmod to fchmodat2', CHANGING),
  setid('opened', 'make a file with such a bit by open to openat2, O_TMPFILE, creat', OPENING),
  setid('made', 'make a file with such a bit by mknod', MAKING),
  {
    id: 'modes.folder',
    claim: 'syscalls.profile',
    threat: 'setuid-bits',
    tries: 'make a folder that gives its group away',
    trial: (given) =>
      unlessAllowed(
        given,
        ['chmod', 'mkdir'],
        refused(() => ['/tmp', '/dev/shm'].map((folder) => ['setid-folder', folder] as const), {
          control: ({ decoys }) => [['setid-folder', decoys.folder]],
        }),
      ),
  },
]
