/**
 * npm run bench -- network [--rounds N] [--write]: what the gateway costs, beside no proxy at all and beside the proxies that are
 * installed (apt-get install squid tinyproxy). One program is the load in every row; all rows take turns. `--write` puts the
 * tables into docs/performance.md.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Glovebox, parsePolicy } from '../../src/index.js'
import { gatewayMemory } from './memory.js'
import { median, percentile } from './numbers.js'
import { compile, proxies, type Running, relays, servers, stopAll } from './programs.js'
import { type Load, loads, type Way } from './ways.js'

const args = process.argv.slice(2)
const at = args.indexOf('--rounds')
const rounds = at === -1 ? 3 : Number(args[at + 1])
const cpu = cpus()[0]?.model.replace(/\s+/g, ' ').trim()
const lines: string[] = [
  `Machine: ${cpus().length} × ${cpu}, Linux ${release()}, Node ${process.version}. Load when it began: ${loadavg()[0]?.toFixed(1)}. Rounds: ${rounds}.`,
]
const say = (...more: string[]) => {
  for (const line of more) console.log(line)
  lines.push(...more)
}

const folder = mkdtempSync(join(tmpdir(), 'glovebox-bench-'))
const running: Running[] = []
const glovebox = await Glovebox.start({ network: { hosts: { 'bench.test': ['127.0.0.1'] } } })
try {
  const client = compile(folder)
  const ports = await servers(folder, running)
  const policy = parsePolicy({
    version: 1,
    files: { read: [folder] },
    network: {
      allow: (['tcp', 'tls', 'http'] as const).map((protocol) => ({
        host: 'bench.test',
        ports: [ports[protocol]],
        protocol,
        private: ['127.0.0.1/32'],
      })),
      maxUpload: '100GiB',
      maxDownload: '100GiB',
      maxConnections: 4096,
      maxRate: 10000,
    },
    lifetime: { deadline: '10m' },
    limits: { memory: '512MiB', cpus: 2, openFiles: 4096 },
  })
  const relayed = await relays(ports, running)
  const ways: Way[] = loads(client, ports, relayed, await proxies(folder, running), glovebox, policy)
  for (const title of ['connections', 'throughput'] as const) {
    const figures = await interleaved(ways.filter(({ load }) => load === title))
    table(title, figures)
  }
  await starts(policy)
  // another gateway, that no load has grown
  await glovebox.close()
  say(...(await gatewayMemory(folder, client, ports.tcp)))
} finally {
  await glovebox.close()
  stopAll(running)
  rmSync(folder, { recursive: true, force: true })
}
if (args.includes('--write')) intoDocs()

interface Figures {
  readonly way: Way
  readonly rows: readonly Load[]
}

async function interleaved(ways: readonly Way[]): Promise<Figures[]> {
  const rows = ways.map((): Load[] => [])
  for (let round = -1; round < rounds; round++)
    for (const [index, way] of ways.entries()) {
      process.stderr.write(`\r${round + 1}/${rounds} ${way.name}        `)
      const load = await way.run()
      if (round >= 0) rows[index]?.push(load) // the first is to warm up
    }
  process.stderr.write('\r\u001b[K')
  return ways.map((way, index) => ({ way, rows: rows[index] ?? [] }))
}

function table(title: 'connections' | 'throughput', figures: readonly Figures[]): void {
  const middle = (rows: readonly Load[], of: (load: Load) => number) => median(rows.map(of))
  if (title === 'connections') {
    say('', '### A connection, one question and its answer', '')
    say(
      '| way | connect() alone p50, ms | p50, ms | p99, ms | p50 over direct, ms | a second, one at a time | a second, 8 at once |',
      '|---|---:|---:|---:|---:|---:|---:|',
    )
    for (const { way, rows } of figures) {
      const direct = figures.find((each) => each.way.protocol === way.protocol && each.way.by === 'direct')
      const p50 = middle(rows, (load) => load.p50us) / 1000
      const over = p50 - middle(direct?.rows ?? [], (load) => load.p50us) / 1000
      say(
        `| ${way.name} | ${(middle(rows, (load) => load.connectUs) / 1000).toFixed(2)} | ${p50.toFixed(2)} | ${(middle(rows, (load) => load.p99us) / 1000).toFixed(2)} | ${over.toFixed(2)} | ${middle(rows, (load) => load.alone).toFixed(0)} | ${middle(rows, (load) => load.together).toFixed(0)} |`,
      )
    }
    return
  }
  say('', '### Bytes from a host, MB/s', '', '| way | 1 stream | 32 streams |', '|---|---:|---:|')
  for (const { way, rows } of figures)
    say(
      `| ${way.name} | ${middle(rows, (load) => load.alone).toFixed(0)} | ${middle(rows, (load) => load.together).toFixed(0)} |`,
    )
}

/** The same policy with and without its network, taking turns; the gateway runs. */
async function starts(policy: ReturnType<typeof parsePolicy>): Promise<void> {
  const without = parsePolicy({
    version: 1,
    files: { read: [folder] },
    limits: { memory: '512MiB', cpus: 2 },
  })
  const times: Record<'with' | 'without', number[]> = { with: [], without: [] }
  for (let turn = -3; turn < 10 * rounds; turn++)
    for (const [name, each] of [
      ['with', policy],
      ['without', without],
    ] as const) {
      const begin = process.hrtime.bigint()
      await glovebox.run(each, ['/bin/true'])
      if (turn >= 0) times[name].push(Number(process.hrtime.bigint() - begin) / 1e6)
    }
  const [p50, other] = [median(times.with), median(times.without)]
  say('', '### A sandbox, from `run()` to its result, ms', '', '| | p50 | p95 |', '|---|---:|---:|')
  say(`| without a network | ${other.toFixed(1)} | ${percentile(times.without, 95).toFixed(1)} |`)
  say(
    `| with one (${(p50 / other).toFixed(2)} ×) | ${p50.toFixed(1)} | ${percentile(times.with, 95).toFixed(1)} |`,
  )
}

function intoDocs(): void {
  const file = join(import.meta.dirname, '../../../docs/performance.md')
  const [begin, end] = ['<!-- network: begin -->', '<!-- network: end -->']
  const text = readFileSync(file, 'utf8')
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${file} has no place for the tables`)
  writeFileSync(
    file,
    `${text.slice(0, from + begin.length)}\n${lines.join('\n').trim()}\n\n${text.slice(to)}`,
  )
}
