/** Sandboxes that several jobs are in, one after another, where there is a network and a credential, as whoever runs this; prints what came of each. */
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Glovebox, parsePolicy, type RunResult } from '../../src/index.js'
import { TestAuthority } from '../gateway/inspect-tools.js'
import { gatewaysOf } from '../gateway/setting.js'

const authority = new TestAuthority()
const held: (() => void)[] = []
const server = createServer(authority.sign(['DNS:host.test']), (request, response) => {
  const answer = () => response.end(`${request.url} ${request.headers.authorization ?? 'nothing'}\n`)
  if (request.url === '/held') held.push(answer)
  else answer()
})
await once(server.listen(0, '127.0.0.1'), 'listening')
const { port } = server.address() as AddressInfo
const url = `https://host.test:${port}`
const waive = process.argv.includes('--waive') ? ['limits.memory'] : []
const ceiling = { path: '/nonexistent.invalid' }
const policyOf = (extra: object = {}) =>
  parsePolicy(
    {
      version: 1,
      waive,
      network: {
        allow: [{ host: 'host.test', ports: [port], protocol: 'tls', private: ['127.0.0.1'], inspect: true }],
      },
      credentials: {
        KEY: {
          source: 'caller',
          hosts: [`host.test:${port}`],
          use: 'bearer',
          onReflection: 'redact',
          uses: 1,
        },
      },
      ...extra,
    },
    { ceiling },
  )
const reused = policyOf({ lifetime: { reuse: { within: 'tenant', runs: 3 } } })

const network = { hosts: { 'host.test': ['127.0.0.1'] }, authorities: [authority.pem] }
const secrets = { KEY: 'k3y-of-this-run-alone' }
const which = ({ report }: RunResult) => [report.sandbox?.run, report.sandbox?.of]
const uses = ({ report }: RunResult) =>
  report.credentials.map(({ uses, refused, ended }) => `${uses} ${refused} ${ended}`)
const fetched = (path: string) =>
  `curl -sS -H "Authorization: Bearer $KEY" ${url}${path}; echo "$KEY" >> keys; sort -u keys | wc -l`
const glovebox = await Glovebox.start({ network })
const said: Record<string, unknown> = {}

const session = await glovebox.session(policyOf(), { tenant: 'acme' })
const results: RunResult[] = []
for (const path of ['/a', '/b']) results.push(await session.run(['sh', '-c', fetched(path)], { secrets }))
said.session = results.map((result) => [result.text().trim(), ...which(result), uses(result)])
// what the last command asked for when it ended is nobody's: not answered with the next one's lease
const hanging = session.run(['sh', '-c', `curl -sS ${url}/held >/dev/null 2>&1 & sleep 0.5; echo over`], {
  secrets,
})
said.hanging = (await hanging).text().trim()
const next = await session.run(['sh', '-c', fetched('/c')], { secrets })
for (const answer of held) answer()
said.next = [next.text().trim(), uses(next)]
said.authorities = new Set(
  await Promise.all(
    [1, 2].map(async () => (await session.run(['cat', '/etc/glovebox-ca.crt'], { secrets })).text()),
  ),
).size
await session.close()

const run = (tenant?: string) =>
  glovebox.run(reused, ['sh', '-c', `ls -A; ${fetched('/d')}`], {
    secrets,
    ...(tenant === undefined ? {} : { tenant }),
  })
const reusing: unknown[] = []
for (const tenant of ['acme', 'acme', 'other', undefined, undefined, 'acme', 'acme']) {
  const result = await run(tenant)
  reusing.push([tenant ?? null, result.text().trim().replace(/\s+/g, ' '), ...which(result), uses(result)])
}
said.reusing = reusing
await run('acme')
for (const pid of gatewaysOf(process.pid)) process.kill(pid, 'SIGKILL')
while (gatewaysOf(process.pid).length > 0) await new Promise((resolve) => setTimeout(resolve, 20))
await new Promise((resolve) => setTimeout(resolve, 500))
// its sandbox trusts an authority that nobody has any more
const after = await run('acme')
said.after = [after.text().trim().replace(/\s+/g, ' '), ...which(after)]
await glovebox.close()

console.log(JSON.stringify(said))
server.close()
process.exit()
