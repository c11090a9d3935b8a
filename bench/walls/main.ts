/**
 * npm run bench -- walls: what each wall of the process boundary costs a start: bubblewrap with ever more of what the plan
 * tells it, then run() with ever more of what a policy can ask for, in turn in one process. `--write` puts the table into
 * docs/process.md.
 */
import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Glovebox, parsePolicy } from '../../src/index.js'
import { explainPlan } from '../../src/sandbox/index.js'
import { syscallFilterBytes } from '../../src/syscalls/index.js'
import { interleaved } from '../start/measure.js'
import { process_, sameMounts, type Way } from '../start/ways.js'

const args = process.argv.slice(2)
const at = args.indexOf('--runs')
const runs = at === -1 ? 100 : Number(args[at + 1])
const COMMAND = '/bin/true'
const PLACE = /<!-- walls -->\n[\s\S]*?<!-- \/walls -->/

const folder = mkdtempSync(join(tmpdir(), 'glovebox-bench-'))
const waive = explainPlan(parsePolicy({ version: 1 })).plan.claims.flatMap(({ id, status }) =>
  status === 'impossible' ? [id] : [],
)
const policy = (more: object = {}) => parsePolicy({ version: 1, waive, ...more })
const glovebox = await Glovebox.start()

/** A way, and the one that it adds a wall to. */
interface Step {
  readonly wall: string
  readonly way: Way
  readonly over: number
}

const steps = [...bubblewrapSteps(), ...runSteps()]
const figures = await interleaved(
  steps.map(({ way }) => way),
  runs,
  0,
)
const lines = [
  `Machine: ${cpus().length} × ${cpus()[0]?.model.trim()}, Linux ${release()}, Node ${process.version}, ${process.getuid?.() === 0 ? 'root' : 'an ordinary user'}. ` +
    `Command: \`npm run bench -- walls --runs ${runs}\`; medians, ms.`,
  '',
  '| wall | start with it | costs |',
  '|---|---:|---:|',
  ...steps.map(({ wall, over }, index) => {
    const whole = figures[index]?.p50 ?? 0
    const base = over === index ? 0 : (figures[over]?.p50 ?? 0)
    return `| ${wall} | ${whole.toFixed(1)} | ${over === index ? '' : (whole - base).toFixed(1)} |`
  }),
]
for (const line of lines) console.log(line)
await glovebox.close()
rmSync(folder, { recursive: true, force: true })
if (args.includes('--write')) {
  const file = join(import.meta.dirname, '../../../docs/process.md')
  const text = readFileSync(file, 'utf8')
  if (!PLACE.test(text)) throw new Error('docs/process.md has no place for the table')
  writeFileSync(file, text.replace(PLACE, `<!-- walls -->\n${lines.join('\n')}\n<!-- /walls -->`))
}

/** The plan's own words, group by group. */
function bubblewrapSteps(): Step[] {
  const words = sameMounts(explainPlan(policy()).words, folder)
  const index = (word: string, from = 0) => words.indexOf(word, from)
  const etc = index('--tmpfs')
  const proc = index('--proc')
  const dev = index('--dev')
  const root = index('--ro-bind')
  const groups: [wall: string, words: readonly string[]][] = [
    ['mount namespace and a root of programs', words.slice(root, etc)],
    ['the other namespaces; no capabilities', words.slice(0, root)],
    ['its own /etc, with what is shown of the host’s', words.slice(etc, proc)],
    ['/proc, read-only settings, masks', words.slice(proc, dev)],
    ['/dev and scratch, all else read-only', words.slice(dev)],
  ]
  const made: Step[] = [{ wall: 'none: a bare spawn', way: way([COMMAND]), over: 0 }]
  let all: string[] = []
  for (const [wall, group] of groups) {
    all = wall.startsWith('the other') ? [...group, ...all] : [...all, ...group]
    made.push({ wall, way: way(['/usr/bin/bwrap', ...all, '--', COMMAND]), over: made.length - 1 })
  }
  const filter = join(folder, 'filter')
  const options = {
    profile: 'default',
    lock: null,
    deny: [],
    allow: [],
    inet: false,
    cpuPinned: false,
  } as const
  writeFileSync(filter, syscallFilterBytes({ arch: process.arch === 'arm64' ? 'arm64' : 'x64', ...options }))
  const argv = ['--seccomp', '3', ...all, '--', COMMAND]
  made.push({ wall: 'the system call filter', way: filtered(filter, argv), over: made.length - 1 })
  return made
}

function runSteps(): Step[] {
  const own = 'lifeline, pid 1, cgroups, own uid, limits, pipes, clean-up: `run()`'
  const base = 7
  const run = (wall: string, more: object, over = base): Step => ({
    wall,
    way: { name: wall, once: () => glovebox.run(checked(more), [COMMAND]) },
    over,
  })
  const checked = cached(policy)
  return [
    run(own, {}, base - 1),
    run('a read grant', { files: { read: [`${folder}:/in`] } }),
    run('a live write grant', { files: { write: [{ path: folder, inside: '/out', live: true }] } }),
    run('`syscalls.profile: compute`', { syscalls: { profile: 'compute' } }),
    run('`syscalls.lock: sealed`', { syscalls: { lock: 'sealed' } }),
    {
      wall: '`--tty`',
      way: {
        name: 'tty',
        once: () => glovebox.run(checked({}), [COMMAND], { tty: { columns: 80, rows: 24 } }),
      },
      over: base,
    },
  ]
}

/** A policy is checked, and its plan made, once. */
function cached<T extends object, R>(make: (more: T) => R): (more: T) => R {
  const made = new Map<string, R>()
  return (more) => {
    const key = JSON.stringify(more)
    const value = made.get(key) ?? make(more)
    made.set(key, value)
    return value
  }
}

function way(argv: readonly string[]): Way {
  return { name: argv.join(' '), once: process_(argv) }
}

/** bubblewrap reads the filter from descriptor 3. */
function filtered(file: string, argv: readonly string[]): Way {
  const once = () =>
    new Promise<void>((resolve, reject) => {
      const filter = openSync(file, 'r')
      const child = spawn('/usr/bin/bwrap', argv, { stdio: ['pipe', 'pipe', 'pipe', filter] })
      closeSync(filter)
      child.stdout?.resume()
      child.stderr?.resume()
      child.stdin?.end()
      child.on('error', reject)
      child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`bwrap: ${code}`))))
    })
  return { name: 'filter', once }
}
