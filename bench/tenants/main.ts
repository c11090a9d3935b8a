/**
 * npm run bench -- tenants [--rounds N] [--seconds N] [--write]: one tenant's small jobs at a steady pace, alone, and beside another tenant who does its
 * worst within its limits. Both in turn, in one process, so that what else this machine does weighs on both. Goal: the p99 beside the other at
 * most 1.5 times the p99 alone. `--write` puts the tables into docs/reliability.md.
 */
import { setMaxListeners } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { cpus, release } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { BusyError, Glovebox, type Policy, parsePolicy, type RunResult } from '../../src/index.js'
import { at } from '../soak/verdict.js'

const args = process.argv.slice(2)
const option = (name: string, otherwise: number) =>
  args.includes(name) ? Number(args[args.indexOf(name) + 1]) : otherwise
const rounds = option('--rounds', 10)
const roundMs = option('--seconds', 10) * 1_000

/** Of the quiet tenant, ms. */
const PACE_MS = 200
const GOAL = 1.5
/** What the other always has under way or in line, and how many more come at once, now and then. */
const KEPT = 50
const BURST = 2_000
const BURST_MS = 2_000
/** Of those, in one turn of the loop. */
const AT_ONCE = 20
/** What one tenant may run leaves room for another's, starts too. */
const CONCURRENCY = {
  sandboxes: 4,
  starts: 4,
  perTenant: 2,
  perTenantCpus: 0.5,
  memory: 1024 ** 3,
  queue: 100,
}
/** Of each job: those of one tenant together take a quarter of two processors. */
const CPUS = 0.25

const server = createServer((_, response) => response.end('here'))
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const { port } = server.address() as AddressInfo
const network = {
  allow: [{ host: 'host.test', ports: [port], protocol: 'http', private: ['127.0.0.1/32'] }],
}
const policy = (deadline: string, more: object = {}): Policy =>
  parsePolicy({
    version: 1,
    limits: { memory: '64MiB', cpus: CPUS },
    lifetime: { deadline },
    ...more,
  })

interface Job {
  readonly name: string
  readonly policy: Policy
  readonly argv: readonly string[]
}

const ONCE =
  'exec 3<>/dev/tcp/host.test/$0 && printf "GET / HTTP/1.0\\r\\nHost: host.test\\r\\n\\r\\n" >&3 && cat <&3'
const QUIET: readonly Job[] = [
  { name: 'true', policy: policy('1m'), argv: ['true'] },
  { name: 'one request', policy: policy('1m', { network }), argv: ['bash', '-c', ONCE, `${port}`] },
]

const FLOOD = `while :; do for h in host.test other.test 169.254.169.254; do
  (exec 3<>/dev/tcp/$h/$0 && printf "GET / HTTP/1.0\\r\\nHost: $h\\r\\n\\r\\n" >&3) & done 2>/dev/null; wait; done`
const HOSTILE: readonly Job[] = [
  { name: 'fork bomb', policy: policy('2s'), argv: ['bash', '-c', 'f() { f | f & }; f; wait; sleep 10'] },
  {
    name: 'memory',
    policy: policy('2s'),
    argv: ['sh', '-c', 'x=0123456789; while :; do x=$x$x; done'],
  },
  { name: 'output', policy: policy('2s'), argv: ['yes'] },
  { name: 'processor', policy: policy('2s'), argv: ['sh', '-c', 'while :; do :; done'] },
  { name: 'network', policy: policy('2s', { network }), argv: ['bash', '-c', FLOOD, `${port}`] },
  { name: 'deadline', policy: policy('100ms'), argv: ['sleep', '100'] },
  { name: 'exit', policy: policy('2s'), argv: ['true'] },
]

const glovebox = await Glovebox.start({
  concurrency: CONCURRENCY,
  network: {
    hosts: { 'host.test': ['127.0.0.1'] },
    resolvers: ['127.0.0.1:9'],
    gateways: 'perTenant',
  },
})
const alone = new Map<string, number[]>()
const beside = new Map<string, number[]>()
const endings = new Map<string, number>()

/** Whether one before it has ended or not, the next comes: who waits for an answer does not come less often. */
async function quietRound(times: Map<string, number[]>): Promise<void> {
  const all: Promise<void>[] = []
  const once = async ({ name, policy: under, argv }: Job) => {
    const begin = performance.now()
    const result = await glovebox.run(under, argv, { tenant: 'quiet' })
    if (!result.ok) throw new Error(`${name}: ${result.reason}: ${result.message}`)
    times.set(name, [...(times.get(name) ?? []), performance.now() - begin])
  }
  const end = performance.now() + roundMs
  for (let count = 0; performance.now() < end; count++) {
    all.push(once(QUIET[count % QUIET.length] as Job))
    await sleep(PACE_MS)
  }
  await Promise.all(all)
}

async function hostileRound(isOver: AbortSignal): Promise<void> {
  let next = 0
  const once = async () => {
    const { name, policy: under, argv } = HOSTILE[next++ % HOSTILE.length] as Job
    const ended = await glovebox
      .run(under, argv, { tenant: 'hostile', signal: isOver, buffer: true })
      .then(({ reason }: RunResult) => reason)
      .catch((error) => (error instanceof BusyError ? 'busy' : Promise.reject(error)))
    const key = `${name}: ${ended}`
    endings.set(key, (endings.get(key) ?? 0) + 1)
  }
  const lane = async () => {
    while (!isOver.aborted) {
      await once()
      await sleep(10)
    }
  }
  const bursts = async () => {
    while (!isOver.aborted) {
      const all: Promise<void>[] = []
      while (all.length < BURST) {
        all.push(...Array.from({ length: AT_ONCE }, once))
        await nextTurn()
      }
      await Promise.all(all)
      await sleep(BURST_MS)
    }
  }
  await Promise.all([bursts(), ...Array.from({ length: KEPT }, lane)])
}

try {
  for (const job of QUIET) await glovebox.run(job.policy, job.argv, { tenant: 'quiet' })
  for (let round = 0; round < rounds; round++) {
    await quietRound(alone)
    const over = new AbortController()
    setMaxListeners(0, over.signal)
    const hostile = hostileRound(over.signal)
    await sleep(500)
    await quietRound(beside)
    over.abort()
    await hostile
    console.error(`round ${round + 1} of ${rounds}`)
  }
} finally {
  await glovebox.close()
  server.close()
}

const lines = [
  `\`npm run bench -- tenants --rounds ${rounds} --seconds ${roundMs / 1_000}\`: ${cpus().length} × ${cpus()[0]?.model.trim()}, Linux ${release()}, Node ${process.version}; \`concurrency: ${JSON.stringify(CONCURRENCY)}\`, \`limits.cpus: ${CPUS}\`, a gateway for each tenant; a job each ${PACE_MS} ms.`,
  '',
  '| job of the quiet tenant | jobs | | p50, ms | p99, ms | p99 against alone |',
  '|---|---:|---|---:|---:|---:|',
]
let isHeld = true
for (const name of [...QUIET.map((job) => job.name), 'all']) {
  const of = (times: Map<string, number[]>) =>
    name === 'all' ? [...times.values()].flat() : (times.get(name) ?? [])
  const [own, others] = [of(alone), of(beside)]
  const ratio = at(others, 0.99) / at(own, 0.99)
  if (name === 'all') isHeld = ratio <= GOAL
  const row = (times: readonly number[]) => `${at(times, 0.5).toFixed(1)} | ${at(times, 0.99).toFixed(1)}`
  lines.push(`| ${name} | ${own.length} | alone | ${row(own)} | |`)
  lines.push(`| | ${others.length} | beside the other | ${row(others)} | ${ratio.toFixed(2)} × |`)
}
const counted = [...endings].sort().map(([name, count]) => `${name} ${count}`)
lines.push('', `What the other tenant did meanwhile: ${counted.join(', ')}.`)
console.log(lines.join('\n'))
if (args.includes('--write')) {
  const file = join(import.meta.dirname, '../../../docs/reliability.md')
  const [head = '', rest = ''] = readFileSync(file, 'utf8').split('<!-- tenants -->')
  const [, after = ''] = rest.split('<!-- tenants: end -->')
  writeFileSync(file, `${head}<!-- tenants -->\n${lines.join('\n')}\n<!-- tenants: end -->${after}`)
}
process.exitCode = isHeld ? 0 : 1
