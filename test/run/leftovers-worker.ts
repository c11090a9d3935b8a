/**
 * 200 runs, 16 at a time, with every kind of ending, in a process of its own: only what descends from it, or carries its
 * launcher's pid, is counted. With `warm` as a second argument, sandboxes wait for them. Prints what is left, as JSON.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Glovebox, type Policy, parsePolicy, type Reason, type RunOptions } from '../../src/index.js'
import { hostOf } from '../../src/sandbox/index.js'
import { TESTED_BOUNDARY } from '../support/boundary.js'
import { family, parentOf, pids } from './tools.js'

const [folder = '', way = 'cold'] = process.argv.slice(2)
const RUNS = 200
const AT_ONCE = 16

const { bases, controllers } = hostOf().cgroups
const canLimitMemory = controllers.includes('memory')
const waive = canLimitMemory ? [] : ['limits.memory']
const policy = (extra: object): Policy =>
  parsePolicy({ version: 1, boundary: TESTED_BOUNDARY, waive, lifetime: { deadline: '60s' }, ...extra })

const plain = policy({})
const short = policy({ lifetime: { deadline: '150ms' } })
const silent = policy({ lifetime: { deadline: '60s', noOutput: '150ms' } })
const little = policy({ limits: { output: '1KiB' } })
const small = policy({ limits: { memory: '32MiB' } })

interface Kind {
  readonly reason: Reason
  readonly policy: Policy
  readonly argv: readonly string[]
  readonly options?: (number: number) => RunOptions
}

const DAEMON = '(setsid sleep 3600 &) ; (setsid sh -c "trap \'\' TERM; sleep 3600" &) ; exit 0'

const KINDS: readonly Kind[] = [
  { reason: 'exited', policy: plain, argv: ['true'] },
  { reason: 'exited', policy: plain, argv: ['sh', '-c', 'exit 3'] },
  { reason: 'exited', policy: plain, argv: ['sh', '-c', DAEMON] },
  {
    reason: 'exited',
    policy: plain,
    argv: ['sh', '-c', 'cat in.txt > out/a; cat >> out/a'],
    options: (number) => ({
      inputs: { 'in.txt': Buffer.from('in'), 'out/seed': Buffer.from('') },
      stdin: Buffer.alloc(100_000),
      outputs: { out: join(folder, `out-${number}`) },
    }),
  },
  {
    reason: 'rejected',
    policy: plain,
    argv: ['ln', '-s', '/etc/passwd', 'planted'],
    options: () => ({ outputs: { planted: join(folder, 'planted') } }),
  },
  { reason: 'signal', policy: plain, argv: ['sh', '-c', 'kill -SEGV $$'] },
  { reason: 'failed', policy: plain, argv: ['no-such-command'] },
  { reason: 'deadline', policy: short, argv: ['sleep', '60'] },
  { reason: 'noOutput', policy: silent, argv: ['sleep', '60'] },
  { reason: 'output', policy: little, argv: ['yes'] },
  {
    reason: 'cancelled',
    policy: plain,
    argv: ['sleep', '60'],
    options: () => ({ signal: AbortSignal.timeout(100) }),
  },
  { reason: 'cancelled', policy: plain, argv: ['true'], options: () => ({ signal: AbortSignal.abort() }) },
  { reason: 'exited', policy: plain, argv: ['sh', '-c', 'echo unread'], options: () => ({ buffer: false }) },
  ...(canLimitMemory
    ? [{ reason: 'memory', policy: small, argv: ['sh', '-c', 'head -c 60M /dev/zero > /tmp/x'] } as const]
    : []),
]

const descriptors = () =>
  readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).replace(/\d+/g, 'N')
      } catch {
        return 'this listing itself'
      }
    })
    .filter((target) => !/\/proc\/N\/fd|this listing/.test(target))
    .sort()

const namespaces = (pid: number) => {
  try {
    return ['net', 'mnt', 'pid', 'user', 'ipc', 'uts'].map((kind) => readlinkSync(`/proc/${pid}/ns/${kind}`))
  } catch {
    return [] // gone, or another user's
  }
}

const cgroups = (launchers: readonly number[]) =>
  bases
    .filter(({ directory }) => existsSync(directory))
    .flatMap(({ directory }) => readdirSync(directory))
    .filter((name) =>
      launchers.some((pid) => name === `glovebox-${pid}` || name.startsWith(`glovebox-${pid}-`)),
    )

const own = new Set(namespaces(process.pid))
const foreign = new Set<string>()
const look = () => {
  for (const pid of family(process.pid).slice(1))
    for (const each of namespaces(pid)) if (!own.has(each)) foreign.add(each)
}
/**
 * Processes in a namespace that one of our sandboxes had, and that nobody else answers for. The kernel gives numbers of namespaces again:
 * what is below another test's own processes, a launcher or a gateway of its, is that test's.
 */
const inForeign = () =>
  pids().filter((pid) => namespaces(pid).some((each) => foreign.has(each)) && !isAnothers(pid))

const aboveUs = new Set([process.pid, ...above(process.pid)])

/** What is left over has nobody above it but its own kind, and whoever is above us. */
function isAnothers(pid: number): boolean {
  return above(pid).some((each) => !aboveUs.has(each) && !namespaces(each).some((one) => foreign.has(one)))
}

function above(pid: number): number[] {
  const parent = parentOf(pid)
  return parent > 1 ? [parent, ...above(parent)] : []
}

async function settled<T>(what: () => T, fine: (value: T) => boolean): Promise<T> {
  for (let tries = 0; tries < 500 && !fine(what()); tries++) await sleep(10)
  return what()
}

/** Without those that other tests make beside this one, each in a folder of its own. */
const mountsHere = () =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => !/ \/tmp\/glovebox-/.test(line) || line.includes(folder))
    .join('\n')

const mounts = mountsHere()
// what Node itself opens only once is opened before we count
const first = await Glovebox.start()
await first
  .run(plain, ['true'], { stdin: Buffer.from('x'), outputs: { nothing: join(folder, 'nothing') } })
  .catch(() => {})
await first.close()
const before = descriptors()

const glovebox = await Glovebox.start({ warm: way === 'warm' })
const launchers = family(process.pid).slice(1)
if (way === 'warm') await glovebox.keepWarm(plain, 8)
const wrong: string[] = []
let [next, warm] = [0, 0]
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    while (next < RUNS) {
      const number = next++
      const kind = KINDS[number % KINDS.length]
      if (kind === undefined) throw new Error('no such kind')
      const options = kind.options?.(number) ?? {}
      const { reason, message, report } = await glovebox.run(kind.policy, kind.argv, options)
      if (report.sandbox?.warm) warm++
      if (reason !== kind.reason) wrong.push(`${kind.argv.join(' ')}: ${reason} (${message})`)
      if (number % 7 === 0) look()
    }
  }),
)
const started = next
const isSettled = (most: number) => (count: number) => way === 'warm' || count <= most
const spares = await settled(
  () => family(process.pid).length,
  isSettled(TESTED_BOUNDARY === 'process' ? 3 : 5),
)
const spareGroups = await settled(() => new Set(cgroups(launchers)).size, isSettled(1))
await glovebox.close()

const left = {
  started,
  wrong,
  warm,
  namespacesSeen: foreign.size,
  // the launcher and its one prepared worker, and that one's control group
  beforeClose: { processes: spares - 1, cgroups: spareGroups },
  processes: await settled(
    () => family(process.pid).slice(1),
    (found) => found.length === 0,
  ),
  cgroups: cgroups(launchers),
  namespaces: await settled(inForeign, (found) => found.length === 0),
  descriptors: await settled(
    () => (descriptors().join('\n') === before.join('\n') ? [] : descriptors()),
    (found) => found.length === 0,
  ),
  mounts: mountsHere() === mounts ? 'the same' : mountsHere(),
  files: readdirSync(folder).filter((name) => !/^out-\d+$/.test(name)),
}
process.stdout.write(JSON.stringify(left))
