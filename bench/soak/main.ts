/**
 * npm run soak [-- JOBS] [--boundary NAME] [--warm] [--width 8] [--alone] [--json] [--write]: JOBS (50000) jobs of mixed kinds and endings by one
 * Glovebox, and whether anything grows. 0: all is flat, and each job ended as it has to. GLOVEBOX_SOAK_SEED repeats the choices.
 * `--alone`: nothing else runs on this machine, so what is counted of the whole host has to be flat, too. `--write` puts the table into
 * docs/reliability.md.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { join } from 'node:path'
import { BOUNDARIES, type BoundaryName } from '../../src/policy/index.js'
import { placeFor } from './place.js'
import { complaintsOf, type Soak, soak } from './soak.js'
import type { Line } from './verdict.js'

const WARM = 4
const THOUSAND = 1_000
/** Of a short soak: enough to have quarters. */
const LEAST_ROUNDS = 9

const args = process.argv.slice(2)
const isSet = (name: string) => args.includes(name)
const given = (name: string) => (isSet(name) ? args[args.indexOf(name) + 1] : undefined)
const wholeNumber = (text: string | undefined, otherwise: number) => {
  const number = Number(text ?? otherwise)
  if (Number.isSafeInteger(number) && number > 0) return number
  console.error(
    `soak: ${text} is no number of at least 1. npm run soak -- 50000 --boundary process --width 8`,
  )
  process.exit(2)
}
const jobs = wholeNumber(/^[^-]/.test(args[0] ?? '-') ? args[0] : undefined, 50_000)
const width = wholeNumber(given('--width'), 8)
const boundary = (given('--boundary') ?? 'process') as BoundaryName
if (!BOUNDARIES.includes(boundary)) {
  console.error(`soak: there is no boundary ${boundary}. There is: ${BOUNDARIES.join(', ')}.`)
  process.exit(2)
}
const seed = wholeNumber(process.env.GLOVEBOX_SOAK_SEED, (Date.now() % 1_000_000) + 1)
const round = Math.min(THOUSAND, Math.ceil(jobs / LEAST_ROUNDS))

const place = await placeFor(boundary)
if (typeof place === 'string') {
  console.error(`soak: ${boundary} can't be had here: ${place}`)
  process.exit(1)
}
console.error(`GLOVEBOX_SOAK_SEED=${seed} repeats the choices`)
const began = performance.now()
let result: Soak
try {
  result = await soak(place, {
    jobs,
    width,
    round,
    seed,
    warm: isSet('--warm') ? WARM : 0,
    isAlone: isSet('--alone'),
    onRound(done, { counts, memory }, { p50, p99 }) {
      const rate = (done * 1000) / (performance.now() - began)
      const descriptors = Object.entries(counts).filter(([name]) => name.startsWith('descriptors: '))
      const open = descriptors.reduce((sum, [, count]) => sum + count, 0)
      const heap = mebibytes(memory['heap of the supervisor'] ?? 0)
      console.error(
        `${done} of ${jobs}, ${rate.toFixed(1)} a second; p50 ${p50?.toFixed(1)} ms, p99 ${p99?.toFixed(1)} ms; ${open} descriptors, ${counts['control groups']} control groups, heap ${heap}`,
      )
    },
  })
} finally {
  await place.close()
}
const complaints = complaintsOf(result)
const page = pageOf(result)
if (isSet('--json')) console.log(JSON.stringify({ boundary, seed, width, ...result, complaints }, null, 2))
else console.log(page)
if (isSet('--write')) write(page)
for (const each of complaints) console.error(`soak: ${each}`)
console.error(complaints.length === 0 ? 'soak: flat' : 'soak: not flat')
process.exitCode = complaints.length === 0 ? 0 : 1

function pageOf(soaked: Soak): string {
  const plain = (value: number) => `${value}`
  const ms = (value: number) => value.toFixed(1)
  const words = ['npm run soak --', `${jobs}`, '--boundary', boundary, ...(isSet('--warm') ? ['--warm'] : [])]
  const rate = (soaked.jobs * 1000) / soaked.elapsedMs
  const head = [
    '| | first quarter (of memory the second) | last quarter | most | |',
    '|---|---:|---:|---:|---|',
  ]
  const rows = (lines: readonly Line[], text: (value: number) => string) =>
    lines.map(
      ({ name, first, last, most, flat }) =>
        `| ${name} | ${text(first)} | ${text(last)} | ${text(most)} | ${flat === null ? '' : flat ? 'flat' : '**not flat**'} |`,
    )
  return [
    `\`${words.join(' ')}\`: ${soaked.jobs} jobs, ${width} at a time, ${rate.toFixed(1)} a second, ${soaked.wrongs} of which ended otherwise than they have to. ${cpus().length} × ${cpus()[0]?.model.trim()}, Linux ${release()}, Node ${process.version}.`,
    '',
    ...head,
    ...rows(soaked.counts, plain),
    ...rows(soaked.memory, mebibytes),
    ...rows(named(soaked.times, 'all jobs, without their own clocks, ms: '), ms),
    ...rows(named(soaked.kinds, 'ms: '), ms),
    ...rows(named(soaked.host, 'the whole host: '), plain),
  ].join('\n')
}

function named(lines: readonly Line[], prefix: string): Line[] {
  return lines.map((line) => ({ ...line, name: `${prefix}${line.name}` }))
}

function mebibytes(value: number): string {
  return `${(value / 1024 ** 2).toFixed(1)} MiB`
}

function write(table: string): void {
  const file = join(import.meta.dirname, '../../../docs/reliability.md')
  const [begin, end] = [`<!-- soak: ${boundary} -->`, `<!-- soak: ${boundary}: end -->`]
  const [head = '', rest = ''] = readFileSync(file, 'utf8').split(begin)
  const [, after = ''] = rest.split(end)
  if (rest === '') throw new Error(`${file} has no ${begin}`)
  writeFileSync(file, `${head}${begin}\n${table}\n${end}${after}`)
}
