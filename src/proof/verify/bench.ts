/** Where probes are tried: in the real sandbox, and in the open. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { constants } from 'node:os'
import { PassThrough } from 'node:stream'
import { hasOwnKernel, type InputFile, nativePrograms } from '../../boundary/index.js'
import { LaunchError } from '../../errors/index.js'
import type { LeftOff, Plan } from '../../plan/index.js'
import type { Outcome, PlanRun, PlanRunner } from '../../sandbox/index.js'
import {
  type Attempt,
  type Bench,
  type Caller,
  type Decoys,
  decoySecrets,
  type Inside,
  type InsideOptions,
  type Machine,
  type Open,
  type Revoke,
  roomy,
  type Talk,
  type Talked,
  type Tried,
  UNTOLD,
  Untried,
} from '../probes/index.js'
import { hostView } from './host-view.js'
import { toldOf, triedOf, wordOf } from './looks.js'
import { startOpen } from './open-process.js'
import { talkOpenly } from './secure/open-talk.js'
import { Talking } from './secure/talking.js'
import { supervise } from './supervise.js'

/** In the open nothing else ends an attempt that hangs, ms. */
const OPEN_MS = 20_000
/** How often an attempt in the open that was too slow is made again. */
const OPEN_AGAIN = 2

/** What a job before does, where a sandbox is used again: it leaves what it can. */
const MARK = 'decade0'
const BEFORE = [
  ...['file', 'shm', 'sem', 'queue'].map((kind) => `leave,${kind},${MARK},/tmp`),
  `leave-daemon,${MARK}`,
]

type Run = PlanRunner['run']

/** What a bench is made of. */
export interface Place {
  readonly runner: PlanRunner
  readonly plan: Plan
  readonly decoys: Decoys
  readonly caller: Caller
  readonly machine: Machine
  readonly signal?: AbortSignal | undefined
  readonly without?: LeftOff | undefined
}

export function benchOf({ runner, plan, decoys, caller, machine, signal, without }: Place): Bench {
  const program = readFileSync(nativePrograms().probe)
  const withRoom = roomy(plan)
  // every plan of a policy with credentials has some: decoys stand for their values
  const run: Run = (under, argv, options) =>
    runner.run(under, argv, { before: BEFORE, ...options, secrets: decoySecrets(under, decoys.secret) })
  return {
    plan,
    roomy: withRoom,
    host: runner.host,
    machine,
    decoys,
    async inside(attempts, under, insideOptions = {}) {
      try {
        return await inside(run, under ?? withRoom, program, attempts, insideOptions)
      } catch (error) {
        // of the plan itself that is a failure; of one that was made of it, only one thing that can't be tried here
        if (under !== undefined && error instanceof LaunchError) throw new Untried(error.message)
        throw error
      }
    },
    async talk(play, under) {
      try {
        return await talkInside(run, under ?? withRoom, program, play)
      } catch (error) {
        if (under !== undefined && error instanceof LaunchError) throw new Untried(error.message)
        throw error
      }
    },
    talkOpenly,
    open: (attempts, where = 'caller') => open(attempts, where, caller, signal),
    start: (attempt) => startOpen(wordOf(attempt)),
    supervise: (attempt, under, sandboxes) =>
      supervise({
        plan: under,
        path: programPath(under),
        word: wordOf(attempt),
        sandboxes,
        secrets: decoySecrets(under, decoys.secret),
        without: without ?? null,
        machines: plan.boundary === 'microvm' ? runner.host.machines() : null,
      }),
    ready: (under) => runner.prepare(under),
    view: hostView(runner.host, kernelOf(plan), signal),
  }
}

function kernelOf({ boundary }: Plan): Parameters<typeof hostView>[1] {
  if (hasOwnKernel(boundary)) return 'sentry'
  return boundary === 'microvm' ? 'machine' : 'host'
}

/** In a scratch folder, where no grant of the policy's stands: the program is copied there before it starts. */
function programPath({ files }: Plan): string {
  const folder = files.scratch.places.find((place) => place === files.workdir) ?? '/tmp'
  const taken = new Set([...files.read, ...files.write, ...files.live].map(({ inside }) => inside))
  let path = `${folder}/probe`
  while (taken.has(path)) path = `${path}-`
  return path
}

/** As many sandboxes as it takes: one whose filter or limit lets no process be made ends after its first attempt. */
async function inside(
  run: Run,
  plan: Plan,
  content: Buffer,
  attempts: readonly Attempt[],
  options: InsideOptions,
): Promise<Inside> {
  const path = programPath(plan)
  const input: InputFile = { path, mode: 0o755, content: [content] }
  const { whileItWaits, ...each } = options
  const inputs = [input, ...(options.inputs ?? [])]
  const tried: Tried[] = []
  let last: PlanRun | null = null
  for (let left = attempts; left.length > 0; left = attempts.slice(tried.length)) {
    const once = last === null && whileItWaits !== undefined ? { whileItWaits } : {}
    last = await run(plan, [path, ...left.map(wordOf)], { ...each, ...once, inputs })
    const made = left.slice(0, Math.max(1, toldOf(left, last.stdout)))
    tried.push(...triedOf(made, last.stdout, endOf(last.outcome)))
  }
  if (last === null) throw new RangeError('a probe without an attempt')
  return { tried, run: last }
}

async function talkInside<T>(
  run: Run,
  plan: Plan,
  content: Buffer,
  play: (talk: Talk, revoke: Revoke) => Promise<T>,
): Promise<Talked<T>> {
  let revoke: Revoke = async () => {}
  const path = programPath(plan)
  const stdin = new PassThrough()
  const talking = new Talking(stdin)
  const running = run(plan, [path, 'talk'], {
    inputs: [{ path, mode: 0o755, content: [content] }],
    stdin,
    onStdout: (chunk) => talking.hear(chunk),
    onRevocable: (ends) => {
      revoke = ends
    },
  })
  const over = () => talking.over()
  running.then(over, over)
  try {
    const said = await play(talking, (name) => revoke(name))
    stdin.end()
    return { said, run: await running }
  } catch (error) {
    // that there was no sandbox tells more than that it did not talk
    stdin.end()
    await running
    throw error
  }
}

/** SIGKILL is how anything is ended from outside: no answer to what was tried, and nothing of what was not yet. */
export function endOf({ verdict }: Pick<Outcome, 'verdict'>): string {
  return verdict.signal === null || verdict.signal === 'SIGKILL' ? UNTOLD : verdict.signal
}

async function open(
  attempts: readonly Attempt[],
  where: Open,
  caller: Caller,
  cut?: AbortSignal,
): Promise<readonly Tried[]> {
  let tried = await openOnce(attempts, where, caller, cut)
  for (let again = 0; again < OPEN_AGAIN && tried.some(isLate) && cut?.aborted !== true; again++)
    tried = await openOnce(attempts, where, caller, cut)
  return tried
}

/** On a machine that is busy enough, anything takes too long: that says nothing of whether it can be done. */
const isLate = ({ reached, look }: Tried) => !reached && look.result === 'timeout'

async function openOnce(
  attempts: readonly Attempt[],
  where: Open,
  caller: Caller,
  cut?: AbortSignal,
): Promise<readonly Tried[]> {
  const flags = where === 'caller' ? ['--bound'] : ['--bound', `--${where}`]
  const child = spawn(nativePrograms().probe, [...flags, ...attempts.map(wordOf)], {
    stdio: ['ignore', 'pipe', 'ignore'],
    cwd: '/',
    env: {},
    timeout: OPEN_MS,
    killSignal: 'SIGKILL',
    ...(cut === undefined ? {} : { signal: cut }),
  })
  const parts: Buffer[] = []
  child.stdout.on('data', (part: Buffer) => parts.push(part))
  const [code, signal] = (await once(child, 'close')) as [
    number | null,
    keyof typeof constants.signals | null,
  ]
  const end = signal ?? (code === 0 ? UNTOLD : `exit${code}`)
  return triedOf(attempts, Buffer.concat(parts), end).map((each) =>
    isRefusedToTheCaller(each, caller) ? { ...each, lacking: true } : each,
  )
}

/** A caller that is under a filter itself can make no control of what that refuses. */
function isRefusedToTheCaller({ reached, look }: Tried, { filtered }: Caller): boolean {
  return !reached && filtered && look.result === 'EPERM'
}
