/**
 * Tries probes with mechanisms left off, as whoever runs this and in a world of its own; a JSON line for each. Its standard
 * input says what.
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HostFacts } from '../../src/host/index.js'
import type { Plan } from '../../src/plan/index.js'
import { parsePolicy } from '../../src/policy/index.js'
import { enteredWorld, lookAround, runInWorld, verifyPlan } from '../../src/proof/index.js'
import { PROBES } from '../../src/proof/probes/index.js'
import { hostOf, planOf } from '../../src/sandbox/index.js'
import { type Folders, POLICIES, type Under } from './mutation-policies.js'
import { LOOKS } from './mutation-probes.js'

export interface Task {
  readonly under: Under
  readonly off: readonly string[]
  /** what is attacked has waited for its job */
  readonly warm: boolean
  /** ids; `null`: all of the claims */
  readonly probes: readonly string[] | null
}

export interface Asked {
  /** of the programs that can leave something off */
  readonly builds: string
  /** every `of`th one of the tasks, from this one on */
  readonly lane?: readonly [first: number, of: number]
  readonly tasks: readonly Task[]
}

export type Line =
  | { readonly under: Under; readonly claims: Readonly<Record<string, readonly string[]>> }
  | {
      readonly task: number
      readonly probe: string
      readonly status: string
      readonly why: readonly string[]
      readonly ms: number
    }
  | { readonly task: number; readonly failed: string }

/** That anything in the world hears. */
const PORTS = [22, 53, 80, 443, 853, 5432, 8053, 8080, 31_337]

/** With something left off, what is tried may wait for ever; with nothing, a policy has dozens to try. */
const HANG_MS = 40_000
const EACH_MS = 3_000

const say = (line: Line) => console.log(JSON.stringify(line))

function folders(): Folders & { remove(): void } {
  const all = mkdtempSync(join(tmpdir(), 'glovebox-granted-'))
  chmodSync(all, 0o755)
  const [read = '', live = '', out = ''] = ['read', 'live', 'out'].map((name) => {
    const path = join(all, name)
    mkdirSync(path)
    // what is read belongs to the caller alone: who else is let in is the boundary's doing
    chmodSync(path, name === 'read' ? 0o700 : 0o777)
    return path
  })
  return { read, live, out, remove: () => rmSync(all, { recursive: true, force: true }) }
}

function plansOf(host: HostFacts, granted: Folders): Map<Under, Plan> {
  const waive = host.cgroups.controllers.includes('memory') ? [] : ['limits.memory']
  return new Map(
    Object.entries(POLICIES).map(([under, policy]) => [
      under as Under,
      planOf(parsePolicy({ version: 1, ...policy(granted), waive }), host),
    ]),
  )
}

/** One of the tasks, as it is told to whoever performs it. */
interface Numbered {
  readonly number: number
  readonly task: Task
  readonly builds: string
  readonly granted: Folders
}

function planFor(host: HostFacts, { task, granted }: Numbered): Plan {
  const plan = plansOf(host, granted).get(task.under)
  if (plan === undefined) throw new RangeError(task.under)
  return plan
}

const wanted = ({ probes }: Task) => [...PROBES, ...LOOKS].filter(({ id }) => probes?.includes(id) ?? true)

async function perform(each: Numbered): Promise<void> {
  const { task, number, builds } = each
  const probes = wanted(task)
  const host = hostOf()
  try {
    const results = await verifyPlan(planFor(host, each), host, {
      world: enteredWorld(),
      signal: AbortSignal.timeout(HANG_MS + probes.length * EACH_MS),
      probes,
      warm: task.warm,
      without: { mechanisms: new Set(task.off), builds },
    })
    for (const { probe, status, why, ms } of results) say({ task: number, probe, status, why, ms })
  } catch (error) {
    const why = error instanceof Error ? [error.message, error.cause ?? ''].join(' ') : `${error}`
    say({ task: number, failed: why })
  }
}

/** A world serves one verification, so that such a task is performed by a process of its own. */
function needsWorld(each: Numbered): boolean {
  const host = hostOf()
  const given = { plan: planFor(host, each), host, ...lookAround() }
  return wanted(each.task).some((probe) => {
    const trial = probe.trial(given)
    return 'world' in trial && trial.world === true
  })
}

async function all({ builds, tasks, lane: [first, of] = [0, 1] }: Asked): Promise<void> {
  const granted = folders()
  try {
    for (const [under, { claims }] of plansOf(hostOf(), granted)) {
      const enforced = claims.filter(({ status }) => status === 'enforced')
      say({ under, claims: Object.fromEntries(enforced.map(({ id, mechanisms }) => [id, mechanisms])) })
    }
    for (const [number, task] of tasks.entries()) {
      if (number % of !== first) continue
      const each: Numbered = { number, task, builds, granted }
      if (needsWorld(each)) await runInWorld([SELF, JSON.stringify(each)], PORTS)
      else await perform(each)
    }
  } finally {
    granted.remove()
  }
}

const [, SELF = '', inWorld] = process.argv
if (inWorld !== undefined) await perform(JSON.parse(inWorld) as Numbered)
else await all(JSON.parse(readFileSync(0, 'utf8')) as Asked)
