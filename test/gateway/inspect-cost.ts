/**
 * npm run bench -- inspect [--runs N]: what it costs a request on a kept connection that TLS is looked into, beside the same connection
 * passed on unread: same host, same client, same gateway, in turn. The rounds of a machine with other work vary; the least is near the truth.
 */
import { createSecureServer } from 'node:http2'
import { cpus, release } from 'node:os'
import { askHttp1, askHttp2, TestAuthority } from './inspect-tools.js'
import type { Namespace } from './namespace.js'
import { planOf, rule, Setting } from './setting.js'

const args = process.argv.slice(2)
const at = args.indexOf('--runs')
const runs = at === -1 ? 1000 : Number(args[at + 1])
const ROUNDS = 7

interface Place {
  readonly name: string
  readonly port: number
  readonly ca: string
}

const authority = new TestAuthority()
const names = ['read.test', 'unread.test']
const setting = new Setting({
  hosts: Object.fromEntries(names.map((name) => [name, ['127.0.0.1']])),
  authorities: [authority.pem],
})
const identity = authority.sign(names.map((name) => `DNS:${name}`))
const host = createSecureServer(
  { ...identity, allowHTTP1: true },
  (_request, response) => void response.end('x'),
)
const { port } = await setting.serve(host)
await setting.attach(
  planOf(
    [
      rule('read.test', { [port]: 'tls' }, { inspect: true, methods: ['GET'] }),
      rule('unread.test', { [port]: 'tls' }),
    ],
    {
      timeouts: { headMs: 60_000, idleMs: 60_000 },
    },
  ),
)
const read: Place = { name: 'read.test', port, ca: setting.authority }
const unread: Place = { name: 'unread.test', port, ca: authority.pem }
// of both ways, both versions: what is loaded and compiled at first is no request's
for (const place of [read, unread]) {
  await askHttp1(setting.job, place, [{}])
  await askHttp2(setting.job, place, [{}])
}

console.log(
  `Machine: ${cpus().length} × ${cpus()[0]?.model.trim()}, Linux ${release()}, Node ${process.version}. \`npm run bench -- inspect --runs ${runs}\`; p50 of ${ROUNDS} rounds, ms.`,
)
console.log('\n| | unread | looked into | added, least | added, median |\n|---|---:|---:|---:|---:|')
for (const [version, time] of [
  ['HTTP/1.1', timeHttp1],
  ['HTTP/2', timeHttp2],
] as const) {
  const rounds: (readonly [unread: number, read: number])[] = []
  for (let round = 0; round < ROUNDS; round++)
    rounds.push([await time(setting.job, unread, runs), await time(setting.job, read, runs)])
  const added = rounds.map(([without, with_]) => with_ - without).sort((a, b) => a - b)
  const least = (index: 0 | 1) => Math.min(...rounds.map((round) => round[index])).toFixed(2)
  console.log(
    `| ${version} | ${least(0)} | ${least(1)} | ${added[0]?.toFixed(2)} | ${added[ROUNDS >> 1]?.toFixed(2)} |`,
  )
}
await setting.close()
process.exit()

/** The median of `count` requests, one after the other, on one connection. */
function timeHttp1(job: Namespace, { name, port, ca }: Place, count: number): Promise<number> {
  return job.evaluate(
    async (require, name, port, ca, count) => {
      const { Agent, request } = require('node:https') as typeof import('node:https')
      const agent = new Agent({ keepAlive: true, maxSockets: 1, ca })
      const times: number[] = []
      for (let index = 0; index < count; index++) {
        const began = performance.now()
        await new Promise((done, fail) => {
          const asking = request({ agent, host: name, port }, (answer) => answer.resume().on('end', done))
          asking.on('error', fail).end()
        })
        times.push(performance.now() - began)
      }
      agent.destroy()
      return times.sort((a, b) => a - b)[count >> 1] ?? 0
    },
    name,
    port,
    ca,
    count,
  )
}

function timeHttp2(job: Namespace, { name, port, ca }: Place, count: number): Promise<number> {
  return job.evaluate(
    async (require, name, port, ca, count) => {
      const { connect } = require('node:http2') as typeof import('node:http2')
      const session = connect(`https://${name}:${port}`, { ca })
      const times: number[] = []
      for (let index = 0; index < count; index++) {
        const began = performance.now()
        await new Promise((done, fail) => {
          session.request({ ':path': '/' }).on('error', fail).on('end', done).resume()
        })
        times.push(performance.now() - began)
      }
      session.destroy()
      return times.sort((a, b) => a - b)[count >> 1] ?? 0
    },
    name,
    port,
    ca,
    count,
  )
}
