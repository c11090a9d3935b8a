/**
 * npm run bench -- warm [--runs N] [--boundary NAME]: a sandbox that waited for its job beside a bare process, beside one that is made
 * for it, beside a command more in a session, and beside one more in a container that stays. `--write` puts the tables into docs/performance.md.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Glovebox, type Policy, parsePolicy, type Session } from '../../src/index.js'
import { explainPlan } from '../../src/sandbox/index.js'
import { type Exec, execWay } from '../start/bare.js'
import { prepareBoundaries } from '../start/boundaries.js'
import { Image } from '../start/image.js'
import { type Figures, interleaved, rate } from '../start/measure.js'
import { pssMiB, text } from '../start/pss.js'
import { process_, sameMounts, type Way } from '../start/ways.js'

const COMMAND = '/usr/bin/true'
const IDLE = 1_000
const MiB = 1024 ** 2

const args = process.argv.slice(2)
const given = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)
const runs = Number(given('--runs') ?? 200)
const asked = given('--boundary') ?? 'all'
const folder = mkdtempSync(join(tmpdir(), 'glovebox-bench-'))
const lines: string[] = []
const say = (...more: string[]) => {
  for (const line of more) console.log(line)
  lines.push(...more)
}

/** As long as `keepWarm` looks at what it made: after that much quiet everything starts a little slower. */
const quiet = () => sleep(50)

const bare: Way = { name: 'bare spawn', once: process_([COMMAND]), ready: quiet }

/** A command more in a sandbox that stays, as often as there are runs. */
async function sessionWay(cold: Glovebox, policy: Policy, argv: readonly string[]): Promise<Way> {
  const session = await cold.session(policy, {
    tenant: 'bench',
    runs: 100_000,
    ageMs: 3_600_000,
    idleMs: 3_600_000,
  })
  sessions.push(session)
  return {
    name: `a session's run(), ${policy.boundary}`,
    once: async () => {
      const { ok, message } = await session.run(argv)
      if (!ok) throw new Error(`not the run that was asked for: ${message}`)
    },
    ready: quiet,
  }
}

/** Of a boundary: from the pool, and made for the run. */
function ours(warm: Glovebox, cold: Glovebox, policy: Policy, argv: readonly string[]): [Way, Way] {
  const run = async (glovebox: Glovebox, expected: boolean) => {
    const { ok, report, message } = await glovebox.run(policy, argv)
    if (!ok || report.sandbox?.warm !== expected)
      throw new Error(`not the run that was asked for: ${message}`)
  }
  return [
    {
      name: `warm run(), ${policy.boundary}`,
      once: () => run(warm, true),
      ready: () => warm.keepWarm(policy, 2),
    },
    { name: `cold run(), ${policy.boundary}`, once: () => run(cold, false), ready: quiet },
  ]
}

function table(title: string, figures: readonly Figures[]): void {
  const [base] = figures
  say(
    '',
    `### ${title}`,
    '',
    `| way | p50 | p95 | p99 | p50 against *${base?.name}* |`,
    '|---|---:|---:|---:|---:|',
  )
  const ms = (value: number) => value.toFixed(1)
  for (const { name, p50, p95, p99 } of figures)
    say(`| ${name} | ${ms(p50)} | ${ms(p95)} | ${ms(p99)} | ${(p50 / (base?.p50 ?? 1)).toFixed(2)} × |`)
}

/** Proportional, of all processes of this one's family but itself, and what the host has less. */
async function idle(policy: Policy): Promise<void> {
  const glovebox = await Glovebox.start({ warm: { most: IDLE, memory: 4096 * MiB } })
  try {
    await glovebox.keepWarm(policy, 1)
    const before = availableMiB()
    await glovebox.keepWarm(policy, IDLE)
    const less = before - availableMiB()
    const pss = descendants(process.pid).reduce((sum, pid) => sum + pssMiB(pid), 0)
    say(
      '',
      `### ${IDLE.toLocaleString('en')} that wait, process, MiB`,
      '',
      '| | MiB |',
      '|---|---:|',
      `| of their processes (PSS) | ${pss.toFixed(0)} |`,
      `| that the host has less of (MemAvailable), the kernel's own included | ${less.toFixed(0)} |`,
    )
  } finally {
    await glovebox.close()
  }
}

const availableMiB = () =>
  Number(/^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) / 1024

function descendants(root: number): number[] {
  const parents = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => [Number(name), parentOf(name)]),
  )
  const found = [root]
  for (const one of found) for (const [pid, parent] of parents) if (parent === one) found.push(pid)
  return found.slice(1)
}

const parentOf = (pid: string) => Number(/\) \S (\d+)/.exec(text(`/proc/${pid}/stat`))?.[1] ?? 0)
say(
  `Machine: ${cpus().length} × ${cpus()[0]?.model.trim() ?? ''}, Linux ${release()}, Node ${process.version}. ` +
    `Command: \`npm run bench -- warm --runs ${runs}\`. Each table's ways ran in turn, in one process; times are from the call to the end of the clean-up.`,
)
const { plain, boundaries } = await prepared()
const [warm, cold] = [await Glovebox.start({ warm: true }), await Glovebox.start()]
const hasMachines = asked === 'all' || asked === 'microvm'
/** As small distributions are, one static program for all; and as Debian is. */
const images = hasMachines
  ? {
      static: Image.made(join(folder, 'static'), { links: ['sh', 'true'] }),
      dynamic: Image.made(join(folder, 'dynamic'), { links: [], programs: ['/bin/sh', '/bin/true'] }),
    }
  : null
const execs: Exec[] = []
const sessions: Session[] = []
try {
  for (const boundary of boundaries.benches.map((each) => each.boundary)) {
    const policy = parsePolicy({ version: 1, boundary })
    const more = boundary === 'runc' || boundary === 'gvisor' ? [execWay(boundary, folder)] : []
    execs.push(...more)
    table(
      `${boundary}, ms`,
      await interleaved(
        [bare, ...ours(warm, cold, policy, [COMMAND]), await sessionWay(cold, policy, [COMMAND]), ...more],
        runs,
        0,
      ),
    )
  }
  if (images !== null) {
    const machine = ({ name }: Image) =>
      parsePolicy({
        version: 1,
        boundary: 'microvm',
        root: `image:${name}`,
        limits: { memory: '64MiB', cpus: 1 },
      })
    const argv = ['true']
    const [small, other] = [machine(images.static), machine(images.dynamic)]
    const [dynamic] = ours(warm, cold, other, argv)
    const named = { ...dynamic, name: `${dynamic.name}, of a program with libraries` }
    const ways = [bare, ...ours(warm, cold, small, argv), await sessionWay(cold, small, argv), named]
    table('microvm, a machine of 128 MiB, ms', await interleaved(ways, Math.ceil(runs / 5), 0))
  }
  const absent = boundaries.absent.filter((each) => images === null || !each.startsWith('microvm '))
  if (absent.length > 0) say('', `Not on this machine: ${absent.join('; ')}.`)
  await sustained()
  await idle(plain)
  await fromLargeParent()
} finally {
  for (const exec of execs) exec.end()
  for (const session of sessions) await session.close()
  await Promise.all([warm.close(), cold.close()])
  await boundaries.close()
  for (const image of Object.values(images ?? {})) image.remove()
  rmSync(folder, { recursive: true, force: true })
}

async function prepared() {
  return { plain: parsePolicy({ version: 1 }), boundaries: await prepareBoundaries(asked) }
}

/** As many as can be had, one after another and several at a time: then the pool is refilled beside them. */
async function sustained(): Promise<void> {
  const { words } = explainPlan(plain)
  const bwrap = process_(['/usr/bin/bwrap', ...sameMounts(words, join(folder, 'mounts')), '--', COMMAND])
  // the one of before still has sandboxes of other boundaries to keep
  const own = await Glovebox.start({ warm: true })
  const ways: Way[] = [
    { name: 'bubblewrap, the same mounts', once: bwrap },
    { name: 'run() with a pool', once: () => own.run(plain, [COMMAND]) },
    { name: 'run() without', once: () => cold.run(plain, [COMMAND]) },
  ]
  say('', '### Runs a second, several at a time, process', '', '| way | 1 | 2 | 8 |', '|---|---:|---:|---:|')
  for (const way of ways) {
    const figures: string[] = []
    for (const width of [1, 2, 8]) figures.push((await rate(way, width, runs * 2)).toFixed(0))
    say(`| ${way.name} | ${figures.join(' | ')} |`)
  }
  await own.close()
}

async function fromLargeParent(): Promise<void> {
  const ballast = Buffer.alloc(1024 * MiB, 1) // touched, so that a fork has its page tables to copy
  table(
    'process, from a parent of 1 GiB, ms',
    await interleaved([bare, ...ours(warm, cold, plain, [COMMAND])], runs, 0),
  )
  if (ballast.length === 0) say('')
}

if (args.includes('--write')) {
  const file = join(import.meta.dirname, '../../../docs/performance.md')
  const [head = '', tables = ''] = readFileSync(file, 'utf8').split('<!-- warm -->')
  const [, after = ''] = tables.split('<!-- warm: end -->')
  writeFileSync(file, `${head}<!-- warm -->\n${lines.join('\n')}\n\n<!-- warm: end -->${after}`)
}
