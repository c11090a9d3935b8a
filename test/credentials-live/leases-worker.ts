/** Jobs that use a credential after its time, and hosts that keep connections open; see jobs.ts of the egress tests. */
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocketServer } from 'ws'
import { Glovebox, type Run } from '../../src/index.js'
import { local, play, policyOf } from '../egress/jobs.js'
import { ROOT } from '../support/checkout.js'
import { given, Hosts, nameOf, type Serve, secretsFor } from './hosts.js'

const NAMES = ['short.test', 'long.test', 'revoked.test', 'uses.test', 'ending.test']
const hosts = new Hosts(...NAMES)
const secrets = secretsFor('TOKEN')
/** how often the value came, by host */
const came: Record<string, number> = {}
/** slow answers that whoever asked did not wait for, by host */
const left: Record<string, number> = {}
/** hosts whose slow answers have come to their end */
const stopped = new Set<string>()

const serve: Serve = async (arrived, response) => {
  const name = nameOf(arrived)
  const known = arrived.headers.authorization === `Bearer ${secrets.TOKEN}`
  if (known) came[name] = (came[name] ?? 0) + 1
  response.writeHead(known ? 200 : 401)
  let open = true
  response.on('close', () => {
    if (open && arrived.url === '/slow') left[name] = (left[name] ?? 0) + 1
    open = false
  })
  if (arrived.url === '/stop') stopped.add(name)
  while (open && arrived.url === '/slow' && !stopped.has(name)) {
    response.write('drip ')
    await sleep(50)
  }
  open = false
  response.end('end')
}
const port = await hosts.serve(serve)
const sockets = await hosts.serveOld((server) => {
  const all = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request: IncomingMessage, socket, head) => {
    if (request.headers.authorization !== `Bearer ${secrets.TOKEN}`) return void socket.destroy()
    return all.handleUpgrade(request, socket, head, (client) => {
      client.on('message', (data) => client.send(`${data}`))
      client.on('error', () => {})
    })
  })
})
const glovebox = await Glovebox.start({ network: hosts.network })

const ENDS = `require('https').get({ host: process.argv[1], port: process.env.PORT, path: '/slow' }, (answer) => {
  answer.once('data', () => { console.log(JSON.stringify(answer.statusCode)); process.exit() })
})`
const inputs = Object.fromEntries(
  ['leases.mjs', 'uses.mjs'].map((name) => [
    name,
    readFileSync(join(ROOT, 'test/credentials-live/jobs', name)),
  ]),
)

/** A job that may use the token at one host. */
function start(name: string, lease: object, argv: readonly string[]): Run {
  const rule = (at: number) => local(name, at, 'tls', { inspect: true, upgrade: true })
  const policy = policyOf(
    { allow: [rule(port), rule(sockets)] },
    {
      limits: { memory: '1GiB', processes: 128 },
      files: { read: [`${join(ROOT, 'node_modules')}:/node_modules`] },
      env: { PORT: String(port), SOCKETS: String(sockets) },
      credentials: {
        TOKEN: { ...given(name, port, 'bearer', lease), hosts: [`${name}:${port}`, `${name}:${sockets}`] },
      },
    },
  )
  return glovebox.run(policy, [process.execPath, ...argv], { inputs, secrets })
}

async function told(run: Run, name: string) {
  const result = await run
  return {
    exitCode: result.exitCode,
    stderr: Buffer.from(result.stderr).toString(),
    seen: result.text() === '' ? {} : JSON.parse(result.text()),
    credentials: result.report.credentials,
    verdicts: [...new Set(result.report.network.map(({ verdict }) => verdict))].sort(),
    came: came[name] ?? 0,
    uploaded: hosts.arrived.filter((each) => nameOf(each) === name && each.url === '/upload').length,
  }
}

function hasOpened(run: Run): Promise<void> {
  return new Promise((resolve) => {
    run.stderr.on('data', (piece: Buffer) => piece.includes('open') && resolve())
    run.stderr.on('close', () => resolve())
  })
}

await play({
  ttl: () => told(start('short.test', { ttl: '6s' }, ['leases.mjs', 'short.test']), 'short.test'),
  /** control: the same with time left */
  long: () => told(start('long.test', { ttl: '60s' }, ['leases.mjs', 'long.test', 'end']), 'long.test'),
  async revoked() {
    const run = start('revoked.test', {}, ['leases.mjs', 'revoked.test'])
    await hasOpened(run)
    await run.revoke('TOKEN')
    return told(run, 'revoked.test')
  },
  uses: () => told(start('uses.test', { uses: 5 }, ['uses.mjs', 'uses.test']), 'uses.test'),
  /** the job ends while answers are on their way */
  async ending() {
    const run = start('ending.test', {}, ['-e', ENDS, 'ending.test'])
    const seen = await told(run, 'ending.test')
    const deadline = Date.now() + 10_000
    while ((left['ending.test'] ?? 0) < 1 && Date.now() < deadline) await sleep(20)
    return { ...seen, left: left['ending.test'] ?? 0 }
  },
})
await glovebox.close()
hosts.close()
process.exit()
