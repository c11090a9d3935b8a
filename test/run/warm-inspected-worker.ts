/** Sandboxes that waited where TLS is looked into, as whoever runs this; prints what came of each. */
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Glovebox, parsePolicy, type RunResult } from '../../src/index.js'
import { TestAuthority } from '../gateway/inspect-tools.js'
import { gatewaysOf } from '../gateway/setting.js'

const authority = new TestAuthority()
const server = createServer(authority.sign(['DNS:host.test']), (request, response) => {
  response.end(`${request.url} ${request.headers.authorization ?? 'nothing'}\n`)
})
await once(server.listen(0, '127.0.0.1'), 'listening')
const { port } = server.address() as AddressInfo
const url = `https://host.test:${port}`
const waive = process.argv.includes('--waive') ? ['limits.memory'] : []
const allow = [{ host: 'host.test', ports: [port], protocol: 'tls', private: ['127.0.0.1'], inspect: true }]
const policyOf = (extra: object = {}) =>
  parsePolicy(
    { version: 1, waive, network: { allow }, ...extra },
    { ceiling: { path: '/nonexistent.invalid' } },
  )
const policy = policyOf()
const secretive = policyOf({
  credentials: {
    KEY: { source: 'caller', hosts: [`host.test:${port}`], use: 'bearer', onReflection: 'redact' },
  },
})

const network = { hosts: { 'host.test': ['127.0.0.1'] }, authorities: [authority.pem] }
const waited = ({ report }: RunResult) => report.sandbox?.warm
const seen = (result: RunResult) => [result.exitCode, result.text().trim(), waited(result)]
const fetched = (path: string) => ['curl', '-sS', `${url}${path}`]
const AUTHORITY = ['cat', '/etc/glovebox-ca.crt']

async function until(fine: () => boolean): Promise<boolean> {
  for (let tries = 0; !fine() && tries < 1_000; tries++) await sleep(20)
  return fine()
}

const glovebox = await Glovebox.start({ warm: true, network })
const said: Record<string, unknown> = {}

await glovebox.keepWarm(policy, 2)
said.fetched = seen(await glovebox.run(policy, fetched('/a')))
const both = await Promise.all([1, 2, 3].map(() => glovebox.run(policy, AUTHORITY)))
said.authorities = new Set(both.map((result) => result.text())).size
said.one = both.every((result) =>
  /^-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n$/.test(result.text()),
)

await glovebox.keepWarm(secretive, 1)
const lent = await glovebox.run(secretive, fetched('/b'), { secrets: { KEY: 'k3y-of-this-run-alone' } })
said.lent = [...seen(lent), lent.report.credentials.map(({ uses }) => uses)]

await glovebox.keepWarm(policy, 2)
for (const pid of gatewaysOf(process.pid)) process.kill(pid, 'SIGKILL')
said.gone = await until(() => gatewaysOf(process.pid).length === 0)
await sleep(500) // this process has heard of it as well
// what waited for the one that is gone is nobody's; what waits then has another
const after = await glovebox.run(policy, fetched('/c'))
said.after = seen(after).slice(0, 2)
await glovebox.keepWarm(policy, 2)
said.again = seen(await glovebox.run(policy, fetched('/d')))

await glovebox.close()
said.left = gatewaysOf(process.pid).length

const apart = await Glovebox.start({ warm: true, network: { ...network, gateways: 'perTenant' } })
await apart.keepWarm(policy, 1)
said.ofNobody = seen(await apart.run(policy, fetched('/e')))
await apart.keepWarm(policy, 1)
said.ofTenant = seen(await apart.run(policy, fetched('/f'), { tenant: 'acme' }))
await apart.close()

console.log(JSON.stringify(said))
server.close()
process.exit()
