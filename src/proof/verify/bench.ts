/** Where probes are tried: in the real sandbox, and in the open. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { constants } from 'node:os'
import { type InputFile, nativePrograms } from '../../boundary/index.js'
import type { Plan } from '../../plan/index.js'
import type { Outcome, PlanRunner } from '../../sandbox/index.js'
import type { Attempt, Bench, Decoys, Inside, Open, Tried } from '../probes/index.js'
import { triedOf, wordOf } from './looks.js'

/** In the open nothing else ends an attempt that hangs, ms. */
const OPEN_MS = 20_000

export function benchOf(runner: PlanRunner, plan: Plan, decoys: Decoys, signal?: AbortSignal): Bench {
  const program = readFileSync(nativePrograms().probe)
  return {
    plan,
    host: runner.host,
    decoys,
    inside: (attempts, under = plan) => inside(runner, under, program, attempts),
    open: (attempts, where = 'caller') => open(attempts, where, signal),
  }
}

async function inside(
  runner: PlanRunner,
  plan: Plan,
  content: Buffer,
  attempts: readonly Attempt[],
): Promise<Inside> {
  const path = `${plan.files.scratch.places.find((place) => place === plan.files.workdir) ?? '/tmp'}/probe`
  const input: InputFile = { path, mode: 0o755, content: [content] }
  // a filter that lets no process be made: the program then makes one attempt, itself
  const groups = plan.syscalls.profile === 'compute' ? attempts.map((each) => [each]) : [attempts]
  const tried: Tried[] = []
  let last: Inside['run'] | null = null
  for (const group of groups) {
    last = await runner.run(plan, [path, ...group.map(wordOf)], { inputs: [input] })
    tried.push(...triedOf(group, last.stdout, endOf(last.outcome)))
  }
  if (last === null) throw new RangeError('a probe without an attempt')
  return { tried, run: last }
}

function endOf({ verdict }: Outcome): string {
  return verdict.signal ?? 'ended'
}

async function open(attempts: readonly Attempt[], where: Open, cut?: AbortSignal): Promise<Tried[]> {
  const flags = where === 'privileged' ? ['--privileged'] : []
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
  const end = signal ?? (code === 0 ? 'ended' : `exit${code}`)
  return triedOf(attempts, Buffer.concat(parts), end)
}
