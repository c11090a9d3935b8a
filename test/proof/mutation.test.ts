/**
 * Each mechanism is left off, and what is said to notice must notice: a probe that can't fail proves nothing, nor does a wall
 * that nobody misses. What ships has no way to leave anything off; `npm run build -- mutable` makes what has.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { before, describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { MECHANISMS, type MechanismId } from '../../src/boundary/process/mechanisms.js'
import { PROBES } from '../../src/proof/probes/index.js'
import { ROOT } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { asEachNetworkUser, type TestUser } from '../support/users.js'
import { LOOKS } from './mutation-probes.js'
import { type Isolated, TABLE } from './mutation-table.js'
import type { Line, Task } from './mutation-worker.js'

const WORKER = fileURLToPath(new URL('mutation-worker.js', import.meta.url))
const BUILDS = join(ROOT, 'dist/mutable')
const ALL = new Map([...PROBES, ...LOOKS].map((probe) => [probe.id, probe]))

/** What the caller has that no job inherits. A hard limit can't be raised again, so the suite's own user sets it. */
const CALLER = 'ulimit -St 100000; ulimit -Hc unlimited 2>/dev/null; ulimit -Sc unlimited 2>/dev/null; true'

before(() => {
  const built = spawnSync(process.execPath, [join(ROOT, 'scripts/build.mjs'), 'mutable'], {
    encoding: 'utf8',
  })
  assert.equal(built.status, 0, built.stderr)
})

const isolated = (Object.keys(TABLE) as MechanismId[]).flatMap((id) => {
  const row = TABLE[id]
  return row.by === null ? [] : [{ id, row }]
})

describe('the table', () => {
  test('has a reason for each mechanism that nothing isolates', () => {
    for (const [id, row] of Object.entries(TABLE)) if (row.by === null) assert.match(row.why, /\w.*\.$/, id)
  })

  test('names probes that there are, each for a claim', () => {
    for (const { id, row } of isolated) assert.ok(ALL.has(row.by), `${id}: there is no probe ${row.by}`)
    assert.deepEqual(Object.keys(TABLE).sort(), Object.keys(MECHANISMS).sort())
  })
})

/** As a wall that stands before others shows only when they are gone, so do those of the row. */
const behindOf = ({ behind = [], behindAsRoot = [] }: Isolated, { isRoot }: TestUser) => [
  ...behind,
  ...(isRoot ? behindAsRoot : []),
]

/** What is tried of a mechanism, and what must come of it. */
interface Case extends Task {
  readonly name: string
  readonly expected: 'broken' | 'holds'
}

function casesOf(id: MechanismId, row: Isolated, user: TestUser): Case[] {
  const behind = behindOf(row, user)
  const tried = (off: readonly string[], expected: Case['expected']): Case => {
    const name = off.length === 0 ? 'with all in force' : `without ${off.join(', ')}`
    return { under: row.under ?? 'plain', off, probes: [row.by], name: `${row.by} ${name}`, expected }
  }
  return [
    tried([...behind, id], 'broken'),
    tried(behind, 'holds'),
    ...(behind.length > 0 ? [tried([id], 'holds')] : []),
  ]
}

const keyOf = ({ under, off }: Task) => JSON.stringify([under, [...off].sort()])

/** One run of verify for all that is tried with the same left off. */
function tasksOf(cases: readonly Case[]): Task[] {
  const tasks = new Map<string, Task>()
  for (const each of cases) {
    const { under, off } = each
    const probes = [...new Set([...(tasks.get(keyOf(each))?.probes ?? []), ...each.probes])]
    tasks.set(keyOf(each), { under, off, probes })
  }
  return [...tasks.values()]
}

/** Said for a case: a status with its reasons. */
type Said = (each: Case) => { readonly status: string; readonly why: readonly string[] } | null

async function verified(
  user: TestUser,
  cases: readonly Case[],
): Promise<{ said: Said; lines: readonly Line[] }> {
  const tasks = tasksOf(cases)
  const { stdout, stderr, status } = await finished(user.as([process.execPath, WORKER], CALLER), {
    cwd: '/',
    input: JSON.stringify({ builds: BUILDS, tasks }),
    // all that a job is given where the environment is left as it is: no secret of who runs these tests
    env: { PATH: process.env.PATH, GLOVEBOX_CALLERS: '1' },
  })
  assert.equal(status, 0, stderr)
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
  const said: Said = (each) => {
    const task = tasks.findIndex((other) => keyOf(other) === keyOf(each))
    const line = lines.find(
      (one) => 'task' in one && one.task === task && (!('probe' in one) || one.probe === each.probes[0]),
    )
    if (line === undefined || !('task' in line)) return null
    return 'failed' in line ? { status: 'failed', why: [line.failed] } : line
  }
  return { said, lines }
}

/** The mechanisms that keep claims on this host, for this user, by the policy. */
function inForce(lines: readonly Line[]): Map<string, Set<string>> {
  return new Map(
    lines.flatMap((line) =>
      'claims' in line ? [[line.under, new Set(Object.values(line.claims).flat())] as const] : [],
    ),
  )
}

asEachNetworkUser('a probe notices when a mechanism is missing', async (user, t) => {
  const readable = await finished(user.as(['test', '-r', WORKER]))
  if (readable.status !== 0) return t.skip(`${user.name} can't read this checkout`)
  const cases = isolated.flatMap(({ id, row }) => casesOf(id, row, user))
  const { said, lines } = await verified(user, cases)
  const here = inForce(lines)
  for (const { id, row } of isolated) {
    const missing = here.get(row.under ?? 'plain')?.has(id) !== true
    const skip = missing
      ? 'keeps no claim here'
      : (row.asRoot ?? false) && !user.isRoot
        ? 'only for root'
        : false
    await t.test(`${id}: ${MECHANISMS[id]}`, { skip }, (inner) =>
      noticed(inner, casesOf(id, row, user), said),
    )
  }
})

function noticed(t: TestContext, cases: readonly Case[], said: Said): void {
  for (const each of cases) {
    const seen = said(each) ?? assert.fail(`${each.name}: not tried`)
    if (seen.status === 'notApplicable') return void t.skip(`${each.name}: ${seen.why.join('; ')}`)
    assert.equal(seen.status, each.expected, `${each.name}: ${seen.status}: ${seen.why.join('; ')}`)
  }
}

asEachNetworkUser('with all that keeps a claim missing, one of its probes notices', async (user, t) => {
  const readable = await finished(user.as(['test', '-r', WORKER]))
  if (readable.status !== 0) return t.skip(`${user.name} can't read this checkout`)
  const { lines } = await verified(user, [])
  const cases = lines.flatMap((line) => ('claims' in line ? claimCases(line, user) : []))
  const { said } = await verified(user, cases)
  for (const each of cases)
    await t.test(each.name, () => {
      const seen = each.probes.map((probe) => said({ ...each, probes: [probe] }))
      assert.ok(
        seen.some((one) => one?.status === 'broken'),
        JSON.stringify(seen),
      )
    })
})

function claimCases(line: Extract<Line, { claims: object }>, user: TestUser): Case[] {
  return Object.entries(line.claims).flatMap(([claim, mechanisms]) => {
    const rows = isolated.filter(
      ({ id, row }) => mechanisms.includes(id) && (row.under ?? 'plain') === line.under,
    )
    const own = rows.filter(({ row }) => ALL.get(row.by)?.claim === claim)
    if (own.length === 0) return []
    const off = [...new Set(rows.flatMap(({ id, row }) => [id, ...behindOf(row, user)]))]
    const probes = [...new Set(own.map(({ row }) => row.by))]
    return [
      {
        under: line.under as Case['under'],
        off,
        probes,
        name: `${claim}, without ${off.join(', ')}`,
        expected: 'broken',
      },
    ]
  })
}
