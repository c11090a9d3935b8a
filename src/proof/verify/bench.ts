/** Where probes are tried: in the real sandbox, and in the open. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { constants } from 'node:os'
import { type InputFile, nativePrograms } from '../../boundary/index.js'
import type { Plan } from '../../plan/index.js'
import type { Outcome, PlanRunner } from '../../sandbox/index.js'
import {
  type Attempt,
  type Bench,
  type Decoys,
  type Inside,
  type InsideOptions,
  type Open,
  roomy,
  type Tried,
} from '../probes/index.js'
import { hostView } from './host-view.js'
import { triedOf, wordOf } from './looks.js'
import { machineNow } from './machine.js'
import { startOpen } from './open-process.js'
import { supervise } from './supervise.js'

/** In the open nothing else ends an attempt that hangs, ms. */
const OPEN_MS = 20_000

export function benchOf(
  runner: PlanRunner,
  plan: Plan,
  decoys: Decoys,
  without: ReadonlySet<string> = new Set(),
): Bench {
  const program = readFileSync(nativePrograms().probe)
  const withRoom = roomy(plan)
  return {
    plan,
    host: runner.host,
    machine: machineNow(),
    decoys,
    inside: (attempts, under = withRoom, options = {}) => inside(runner, under, program, attempts, options),
    open: (attempts, where = 'caller') => open(attempts, where),
    start: (attempt) => startOpen(wordOf(attempt)),
    supervise: (attempt, under, sandboxes) =>
      supervise({
        plan: under,
        path: programPath(under),
        word: wordOf(attempt),
        sandboxes,
        without: [...without],
      }),
    view: hostView(runner.host),
  }
}

/** In a scratch folder: the program is copied there before it starts. */
function programPath({ files }: Plan): string {
  return `${files.scratch.places.find((place) => place === files.workdir) ?? '/tmp'}/probe`
}

async function inside(
  runner: PlanRunner,
  plan: Plan,
  content: Buffer,
  attempts: readonly Attempt[],
  options: InsideOptions,
): Promise<Inside> {
  const path = programPath(plan)
  const input: InputFile = { path, mode: 0o755, content: [content] }
  // a filter that lets no process be made: the program then makes one attempt, itself
  const groups = plan.syscalls.profile === 'compute' ? attempts.map((each) => [each]) : [attempts]
  const tried: Tried[] = []
  let last: Inside['run'] | null = null
  for (const group of groups) {
    last = await runner.run(plan, [path, ...group.map(wordOf)], { ...options, inputs: [input] })
    tried.push(...triedOf(group, last.stdout, endOf(last.outcome)))
  }
  if (last === null) throw new RangeError('a probe without an attempt')
  return { tried, run: last }
}

function endOf({ verdict }: Outcome): string {
  return verdict.signal ?? 'ended'
}

async function open(attempts: readonly Attempt[], where: Open): Promise<Tried[]> {
  const flags = where === 'privileged' ? ['--privileged'] : []
  const child = spawn(nativePrograms().probe, [...flags, ...attempts.map(wordOf)], {
    stdio: ['ignore', 'pipe', 'ignore'],
    cwd: '/',
    env: {},
    timeout: OPEN_MS,
    killSignal: 'SIGKILL',
  })
  const parts: Buffer[] = []
  child.stdout.on('data', (part: Buffer) => parts.push(part))
  const [code, signal] = (await once(child, 'close')) as [
    number | null,
    keyof typeof constants.signals | null,
  ]
  const end = signal ?? (code === 0 ? 'ended' : `exit${code}`)
  return triedOf(attempts, Buffer.concat(parts), end)
}
