/** Where probes are tried: in the real sandbox, and in the open. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import type { constants } from 'node:os'
import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { type InputFile, nativePrograms } from '../../boundary/index.js'
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
  type Open,
  type Revoke,
  roomy,
  type SeenProcess,
  type Talk,
  type Talked,
  type Tried,
  UNTOLD,
  Untried,
} from '../probes/index.js'
import { hostView } from './host-view.js'
import { toldOf, triedOf, wordOf } from './looks.js'
import { machineNow } from './machine.js'
import { startOpen } from './open-process.js'
import { talkOpenly } from './secure/open-talk.js'
import { Talking } from './secure/talking.js'
import { supervise } from './supervise.js'

/** In the open nothing else ends an attempt that hangs, ms. */
const OPEN_MS = 20_000
/** How often the host is looked at, ms. */
const LOOK_MS = 20

type Run = PlanRunner['run']

/** What a bench is made of. */
export interface Place {
  readonly runner: PlanRunner
  readonly plan: Plan
  readonly decoys: Decoys
  readonly caller: Caller
  readonly signal?: AbortSignal | undefined
  readonly without?: LeftOff | undefined
}

export function benchOf({ runner, plan, decoys, caller, signal, without }: Place): Bench {
  const program = readFileSync(nativePrograms().probe)
  const withRoom = roomy(plan)
  // every plan of a policy with credentials has some: decoys stand for their values
  const run: Run = (under, argv, options) =>
    runner.run(under, argv, { ...options, secrets: decoySecrets(under, decoys.secret) })
  return {
    plan,
    roomy: withRoom,
    host: runner.host,
    machine: machineNow(),
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
    seen,
    start: (attempt) => startOpen(wordOf(attempt)),
    supervise: (attempt, under, sandboxes) =>
      supervise({
        plan: under,
        path: programPath(under),
        word: wordOf(attempt),
        sandboxes,
        secrets: decoySecrets(under, decoys.secret),
        without: without ?? null,
      }),
    view: hostView(runner.host, signal),
  }
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
  const tried: Tried[] = []
  let last: PlanRun | null = null
  for (let left = attempts; left.length > 0; left = attempts.slice(tried.length)) {
    last = await run(plan, [path, ...left.map(wordOf)], { ...options, inputs: [input] })
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
): Promise<Tried[]> {
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

async function seen(word: string, until: Promise<unknown>): Promise<SeenProcess[]> {
  const views: SeenProcess[] = []
  let over = false
  const end = () => {
    over = true
  }
  until.then(end, end)
  while (!over) {
    for (const pid of readdirSync('/proc')) {
      if (!/^\d+$/.test(pid) || !argumentsOf(pid).includes(word)) continue
      const view = seenIn(readOrNothing(`/proc/${pid}/status`))
      if (view !== null) views.push(view)
    }
    await sleep(LOOK_MS)
  }
  return views
}

function argumentsOf(pid: string): readonly string[] {
  return readOrNothing(`/proc/${pid}/cmdline`).split(/[\0,]/)
}

function seenIn(status: string): SeenProcess | null {
  const uid = /^Uid:\t\d+\t(\d+)\t/m.exec(status)?.[1]
  const capabilities = /^CapEff:\t([0-9a-f]+)$/m.exec(status)?.[1]
  if (uid === undefined || capabilities === undefined) return null
  return { uid: Number(uid), capabilities: BigInt(`0x${capabilities}`) }
}

/** A process may be gone when it is looked at. */
function readOrNothing(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
