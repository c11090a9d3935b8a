/**
 * Each mechanism is left off, and what is said to notice must notice: a probe that can't fail proves nothing, nor does a wall
 * that nobody misses. What ships has no way to leave anything off; `npm run build -- mutable` makes what has.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { before, describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { MECHANISMS, type MechanismId } from '../../src/boundary/answers/mechanisms.js'
import type { RequirementId } from '../../src/plan/index.js'
import { PROBES } from '../../src/proof/probes/index.js'
import { ROOT } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { asEachNetworkUser, type TestUser } from '../support/users.js'
import { LOOKS } from './mutation-probes.js'
import { CLAIMS, type Isolated, TABLE } from './mutation-table.js'
import type { Asked, Line, Task } from './mutation-worker.js'

const WORKER = fileURLToPath(new URL('mutation-worker.js', import.meta.url))
const BUILDS = join(ROOT, 'dist/mutable')
const ALL = new Map([...PROBES, ...LOOKS].map((probe) => [probe.id, probe]))

/** What the caller has that no job inherits. A hard limit can't be raised again, so the suite's own user sets it. */
const CALLER = 'ulimit -St 100000; ulimit -Hc unlimited 2>/dev/null; ulimit -Sc unlimited 2>/dev/null; true'

/** As a token of the caller's: a job may find its name, and no report has it. */
const VALUE = 'a-value-that-no-report-has'

/** As a person's shell has: a terminal that is the session's, while the standard streams are others. */
const AT_A_TERMINAL = `exec 3<&0 4>&1 5>&2
exec script -qec "exec '$1' '$2' <&3 >&4 2>&5 3<&- 4>&- 5>&-" /dev/null </dev/null >/dev/null`

before(() => {
  const built = spawnSync(process.execPath, [join(ROOT, 'scripts/build.mjs'), 'mutable'], {
    encoding: 'utf8',
  })
  assert.equal(built.status, 0, built.stderr)
})

/** Each with a part of the tasks, at once: most of the time of some is waiting. */
const LANES = 3

const isolated = (Object.keys(TABLE) as MechanismId[]).flatMap((id) => {
  const row = TABLE[id]
  return row.by === null ? [] : [{ id, row }]
})
const shown = (Object.keys(CLAIMS) as RequirementId[]).flatMap((id) => {
  const row = CLAIMS[id]
  return row.by === null ? [] : [{ id, row }]
})

describe('the tables', () => {
  test('have a reason for each mechanism and claim that nothing is seen of', () => {
    for (const [id, row] of [...Object.entries(TABLE), ...Object.entries(CLAIMS)])
      if (row.by === null) assert.match(row.why, /\w.*\.$/, id)
  })

  test('name probes that there are, each by an id of its own', () => {
    assert.equal(ALL.size, PROBES.length + LOOKS.length)
    for (const { id, row } of isolated) assert.ok(ALL.has(row.by), `${id}: there is no probe ${row.by}`)
    for (const { id, row } of shown)
      for (const by of row.by) assert.equal(ALL.get(by)?.claim, id, `${by} is no probe of ${id}`)
    assert.deepEqual(Object.keys(TABLE).sort(), Object.keys(MECHANISMS).sort())
  })

  test('leave no look unused: what a probe shows needs none', () => {
    const used = new Set(isolated.map(({ row }) => row.by))
    for (const { id } of LOOKS) assert.ok(used.has(id), id)
  })
})

/** As a wall that stands before others shows only when they are gone, so do those of the row. */
const behindOf = ({ behind = [], behindAsRoot = [] }: Isolated, { isRoot }: TestUser) => [
  ...behind,
  ...(isRoot ? behindAsRoot : []),
]

/** What is tried of a mechanism or claim, and what must come of it: of one of the probes, if it is `broken`, of each otherwise. */
interface Case extends Task {
  readonly probes: readonly string[]
  readonly name: string
  readonly expected: 'broken' | 'holds' | 'anything but broken'
}

const named = (probes: readonly string[], off: readonly string[]) =>
  `${probes.join(', ')} ${off.length === 0 ? 'with all in force' : `without ${off.join(', ')}`}`

function casesOf(id: MechanismId, row: Isolated, user: TestUser): Case[] {
  const behind = behindOf(row, user)
  const probes = [row.by]
  const tried = (off: readonly string[], expected: Case['expected']): Case => {
    const { under = 'plain', warm = false } = row
    return { under, off, warm, probes, name: named(probes, off), expected }
  }
  return [
    tried([...behind, id], 'broken'),
    tried(behind, 'holds'),
    ...(behind.length > 0 ? [tried([id], 'holds')] : []),
  ]
}

type Claims = Extract<Line, { claims: object }>

/** What keeps a claim, but for what the table says nothing of: to leave that off would change nothing. */
function keeping(id: RequirementId, { claims }: Claims): string[] {
  return (claims[id] ?? []).filter((each) => TABLE[each as MechanismId].by !== null)
}

/** Where a claim is kept, and what of it is tried there; `null`: nowhere here. */
function claimCase(id: RequirementId, everywhere: readonly Claims[], { isRoot }: TestUser): Case | null {
  const row = CLAIMS[id]
  const where = everywhere.filter(({ claims }) => claims[id] !== undefined)
  if (row.by === null) {
    const [there] = where
    if (there === undefined) return null
    const off = keeping(id, there)
    const probes = PROBES.filter(({ claim }) => claim === id).map((probe) => probe.id)
    const name = named(probes, off)
    return { under: there.under, off, warm: false, probes, name, expected: 'anything but broken' }
  }
  const under = row.under ?? 'plain'
  const there = where.find((each) => each.under === under)
  if (there === undefined) return null
  const { besides = [], except = [], asRoot = false, warm = false } = row
  if (asRoot && !isRoot) return null
  const off = [...keeping(id, there), ...besides].filter((each) => !except.some((other) => other === each))
  if (off.length === 0) return null
  return { under, off, warm, probes: row.by, name: named(row.by, off), expected: 'broken' }
}

const keyOf = ({ under, off, warm }: Task) => JSON.stringify([under, warm, [...new Set(off)].sort()])

/** One run of verify for all that is tried with the same left off. */
function tasksOf(cases: readonly Case[]): Task[] {
  const tasks = new Map<string, Task & Pick<Case, 'probes'>>()
  for (const each of cases) {
    const { under, off, warm } = each
    const probes = [...new Set([...(tasks.get(keyOf(each))?.probes ?? []), ...each.probes])]
    tasks.set(keyOf(each), { under, off, warm, probes })
  }
  return [...tasks.values()]
}

interface Result {
  readonly probe: string
  readonly status: string
  readonly why: readonly string[]
}

/** What was said for a case, of each of its probes. */
type Said = (each: Case) => readonly Result[]

async function worked(user: TestUser, tasks: readonly Task[], lane: Asked['lane']): Promise<Line[]> {
  const asked: Asked = { builds: BUILDS, tasks, ...(lane === undefined ? {} : { lane }) }
  const { stdout, stderr, status } = await finished(
    user.as(['sh', '-c', AT_A_TERMINAL, 'sh', process.execPath, WORKER], CALLER),
    {
      cwd: '/',
      input: JSON.stringify(asked),
      // all that a job is given where the environment is left as it is: no secret of who runs these tests
      env: { PATH: process.env.PATH, GLOVEBOX_CALLERS: VALUE },
    },
  )
  assert.equal(status, 0, stderr)
  assert.ok(!stdout.includes(VALUE), 'a report has the value of a variable')
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}

async function verified(user: TestUser, cases: readonly Case[]): Promise<Said> {
  const tasks = tasksOf(cases)
  const lanes = Array.from({ length: LANES }, (_, first) => worked(user, tasks, [first, LANES]))
  const lines = (await Promise.all(lanes)).flat()
  return (each) => {
    const task = tasks.findIndex((other) => keyOf(other) === keyOf(each))
    return lines.flatMap((line): Result[] => {
      if (!('task' in line) || line.task !== task) return []
      if ('failed' in line) return [{ probe: each.name, status: 'failed', why: [line.failed] }]
      return each.probes.includes(line.probe) ? [line] : []
    })
  }
}

const skipUnless = async (user: TestUser, t: TestContext): Promise<boolean> => {
  const readable = await finished(user.as(['test', '-r', WORKER]))
  if (readable.status !== 0) t.skip(`${user.name} can't read this checkout`)
  return readable.status === 0
}

asEachNetworkUser('what is left off is noticed', async (user, t) => {
  if (!(await skipUnless(user, t))) return
  const everywhere = (await worked(user, [], undefined)).flatMap((line) => ('claims' in line ? [line] : []))
  const keeps = (under: string) =>
    new Set(everywhere.flatMap((each) => (each.under === under ? Object.values(each.claims).flat() : [])))
  const rows = isolated.map(({ id, row }) => ({ id, row, here: keeps(row.under ?? 'plain').has(id) }))
  const here = rows.filter((each) => each.here && (user.isRoot || each.row.asRoot !== true))
  const mechanisms = new Map(here.map(({ id, row }) => [id, casesOf(id, row, user)]))
  const claims = (Object.keys(CLAIMS) as RequirementId[]).map((id) => ({
    id,
    each: claimCase(id, everywhere, user),
  }))
  const said = await verified(user, [
    ...[...mechanisms.values()].flat(),
    ...claims.flatMap(({ each }) => each ?? []),
  ])
  for (const { id, here: isHere } of rows) {
    const cases = mechanisms.get(id) ?? null
    const skip = cases === null && (isHere ? 'only for root' : 'keeps no claim here')
    await t.test(`${id}: ${MECHANISMS[id]}`, { skip }, (inner) => asExpected(inner, cases ?? [], said))
  }
  for (const { id, each } of claims)
    await t.test(
      `all that keeps ${id}`,
      { skip: each === null && 'not promised here, or by nothing that can be left off' },
      (inner) => asExpected(inner, each === null ? [] : [each], said),
    )
})

function asExpected(t: TestContext, cases: readonly Case[], said: Said): void {
  for (const each of cases) {
    const all = said(each)
    const tried = all.filter(({ status }) => status !== 'notApplicable')
    const text = `${each.name}: ${all.map(({ status, why }) => `${status}: ${why.join('; ')}`).join(', ')}`
    if (each.expected === 'anything but broken') {
      for (const { status } of all) assert.notEqual(status, 'broken', text)
      return
    }
    assert.notEqual(all.length, 0, `${each.name}: not tried`)
    if (tried.length === 0) return void t.skip(text)
    if (each.expected === 'broken')
      assert.ok(
        tried.some(({ status }) => status === 'broken'),
        text,
      )
    else for (const { status } of tried) assert.equal(status, 'holds', text)
  }
}
