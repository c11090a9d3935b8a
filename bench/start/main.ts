/** npm run bench -- start [--boundary all]: what a start costs, side by side. `--write` puts the tables into docs/performance.md. */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { join } from 'node:path'
import { prepareBoundaries } from './boundaries.js'
import { measureMachines } from './machines.js'
import { type Figures, interleaved, peakMemoryMiB, rate } from './measure.js'
import { type Bench, prepare, type Way } from './ways.js'

const args = process.argv.slice(2)
const option = (name: string, otherwise: number) => {
  const at = args.indexOf(name)
  return at === -1 ? otherwise : Number(args[at + 1])
}
const runs = option('--runs', 200)
const lines: string[] = []
const say = (...more: string[]) => {
  for (const line of more) console.log(line)
  lines.push(...more)
}

const ms = (value: number) => value.toFixed(1)
const ratio = (a: number, b: number) => (a / b).toFixed(2)

function table(title: string, figures: readonly Figures[], base: number): void {
  const against = figures[base]
  say(
    '',
    `### ${title}`,
    '',
    `| way | p50 | p95 | p99 | p50 against *${against?.name}* |`,
    '|---|---:|---:|---:|---:|',
  )
  for (const { name, p50, p95, p99 } of figures)
    say(`| ${name} | ${ms(p50)} | ${ms(p95)} | ${ms(p99)} | ${ratio(p50, against?.p50 ?? 1)} × |`)
}

async function rates(ways: readonly Way[]): Promise<void> {
  say('', '### Starts a second, several at a time', '', '| way | 1 | 2 | 8 |', '|---|---:|---:|---:|')
  for (const way of ways) {
    const figures: string[] = []
    for (const width of [1, 2, 8]) figures.push((await rate(way, width, runs)).toFixed(0))
    say(`| ${way.name} | ${figures.join(' | ')} |`)
  }
}

function memory(bench: Bench): void {
  say('', '### Peak memory of the largest process, MiB', '', '| way | MiB |', '|---|---:|')
  for (const { name, argv } of [...bench.library, ...bench.commandLine, ...bench.peers]) {
    const peak = argv === undefined ? null : peakMemoryMiB(argv)
    if (peak !== null) say(`| ${name} | ${peak.toFixed(1)} |`)
  }
}

async function fromLargeParent(bench: Bench): Promise<void> {
  const ballast = Buffer.alloc(1024 ** 3, 1) // touched, so that a fork has its page tables to copy
  const [bare, , glovebox] = bench.library
  if (bare === undefined || glovebox === undefined) return
  table('From a parent process of 1 GiB, ms', await interleaved([bare, glovebox], runs, 0), 0)
  if (ballast.length === 0) say('')
}

const asked = args.includes('--boundary') ? (args[args.indexOf('--boundary') + 1] ?? 'all') : null

/** The goals of docs/performance.md. */
async function boundaries(which: string): Promise<void> {
  const all = await prepareBoundaries(which)
  try {
    for (const { boundary, bare, ours } of all.benches) {
      table(`${boundary}, ms`, await interleaved([...bare, ours], runs, 0), 0)
    }
    if (all.absent.length > 0) say('', `Not on this machine: ${all.absent.join('; ')}.`)
  } finally {
    await all.close()
  }
}

/** Of 128 MiB. The cold ones take their time: a twentieth as many. */
async function machines(): Promise<void> {
  const { cold, warm, whole, pss } = await measureMachines(runs, Math.max(2, Math.ceil(runs / 20)))
  say(
    '',
    '### A machine of 128 MiB, ms',
    '',
    '| what | p50 | p95 | p50 against the first |',
    '|---|---:|---:|---:|',
  )
  const rows = [
    ['first run: boot, save, go on, first byte', cold],
    ['every other: go on, first byte', warm],
    ['… until nothing is left of it', whole],
  ] as const
  const at = (times: readonly number[], share: number) =>
    [...times].sort((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
  for (const [name, times] of rows)
    say(
      `| ${name} | ${ms(at(times, 0.5))} | ${ms(at(times, 0.95))} | ${ratio(at(times, 0.5), at(cold, 0.5))} × |`,
    )
  say(
    '',
    '### Resident memory of machines that wait for a job (PSS of QEMU), MiB',
    '',
    '| machine | adds |',
    '|---|---:|',
  )
  for (const [index, added] of pss.entries()) say(`| ${index + 1} | ${added.toFixed(1)} |`)
}

if (asked !== null) {
  say(
    `Command: \`npm run bench -- start --boundary ${asked} --runs ${runs}\`. Linux ${release()}, ${cpus().length} processors.`,
  )
  if (asked === 'microvm') await machines()
  else await boundaries(asked)
  writeTables(asked === 'microvm' ? 'machines' : 'boundaries')
  process.exit(0)
}

const bench = await prepare()
try {
  const model = cpus()[0]?.model.trim() ?? ''
  say(
    `Machine: ${cpus().length} × ${model}, Linux ${release()}, Node ${process.version}, ${process.getuid?.() === 0 ? 'root' : 'an ordinary user'}. ` +
      `Command: \`npm run bench -- start --runs ${runs}\`. Each table's ways ran in turn, in one process; times are from the call to the end of the clean-up.`,
  )
  table('Back to back, ms', await interleaved(bench.library, runs, 0), 1)
  table('100 ms apart, ms', await interleaved(bench.library, Math.ceil(runs / 4), 100), 1)
  table('Whole command lines, ms', await interleaved(bench.commandLine, Math.ceil(runs / 4), 0), 1)
  if (bench.withExtraCertificates.length > 0)
    table(
      'Whole command lines, with NODE_EXTRA_CA_CERTS, ms',
      await interleaved(bench.withExtraCertificates, Math.ceil(runs / 4), 0),
      1,
    )
  if (bench.peers.length > 0)
    table(
      'Peers, ms',
      await interleaved([...bench.library.slice(1), ...bench.peers], Math.ceil(runs / 8), 0),
      0,
    )
  if (bench.absent.length > 0) say('', `Not on this machine: ${bench.absent.join('; ')}.`)
  await rates(bench.library)
  memory(bench)
  await fromLargeParent(bench)
} finally {
  await bench.close()
}

writeTables('start')

function writeTables(mark: string): void {
  if (!args.includes('--write')) return
  const file = join(import.meta.dirname, '../../../docs/performance.md')
  const [head = '', tables = ''] = readFileSync(file, 'utf8').split(`<!-- ${mark} -->`)
  const [, after = ''] = tables.split(`<!-- ${mark}: end -->`)
  writeFileSync(file, `${head}<!-- ${mark} -->\n${lines.join('\n')}\n\n<!-- ${mark}: end -->${after}`)
}
