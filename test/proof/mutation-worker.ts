/** Tries probes with mechanisms left off, as whoever runs this; a JSON line for each. Its standard input says what. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parsePolicy } from '../../src/policy/index.js'
import { verifyPlan } from '../../src/proof/index.js'
import { PROBES } from '../../src/proof/probes/index.js'
import { hostOf, planOf } from '../../src/sandbox/index.js'
import { POLICIES } from './mutation-policies.js'
import { LOOKS } from './mutation-probes.js'

export interface Task {
  readonly under: keyof typeof POLICIES
  readonly off: readonly string[]
  /** ids; absent: all of the claims */
  readonly probes: readonly string[]
}

export type Line =
  | { readonly under: string; readonly claims: Readonly<Record<string, readonly string[]>> }
  | {
      readonly task: number
      readonly probe: string
      readonly status: string
      readonly why: readonly string[]
    }
  | { readonly task: number; readonly failed: string }

const { builds, tasks } = JSON.parse(readFileSync(0, 'utf8')) as { builds: string; tasks: readonly Task[] }
const say = (line: Line) => console.log(JSON.stringify(line))

const host = hostOf()
const granted = mkdtempSync(join(tmpdir(), 'glovebox-granted-'))
const waive = host.cgroups.controllers.includes('memory') ? [] : ['limits.memory']
const plans = Object.fromEntries(
  Object.entries(POLICIES).map(([under, policy]) => [
    under,
    planOf(parsePolicy({ version: 1, ...policy(granted), waive }), host),
  ]),
)
try {
  for (const [under, { claims }] of Object.entries(plans)) {
    const enforced = claims.filter(({ status }) => status === 'enforced')
    say({ under, claims: Object.fromEntries(enforced.map(({ id, mechanisms }) => [id, mechanisms])) })
  }
  for (const [task, { under, off, probes }] of tasks.entries()) {
    const plan = plans[under]
    if (plan === undefined) throw new RangeError(under)
    try {
      const results = await verifyPlan(plan, host, {
        probes: [...PROBES, ...LOOKS].filter(({ id }) => probes.includes(id)),
        without: { mechanisms: new Set(off), builds },
      })
      for (const { probe, status, why } of results) say({ task, probe, status, why })
    } catch (error) {
      say({ task, failed: `${error}` })
    }
  }
} finally {
  rmSync(granted, { recursive: true, force: true })
}
