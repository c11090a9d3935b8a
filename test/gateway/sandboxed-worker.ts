/** A sandbox with a gateway as its network, as whoever runs this; prints what its job saw, and what was recorded. */
import { createServer } from 'node:http'
import { boundaryNamed } from '../../src/boundary/index.js'
import { startGateway } from '../../src/gateway/index.js'
import { parsePolicy } from '../../src/policy/index.js'
import { hostOf, planFor } from '../../src/sandbox/index.js'
import { planOf, rule, summary } from './setting.js'

const host = hostOf()
const boundary = boundaryNamed('process')
if (boundary === null) throw new Error('no process boundary')

const web = createServer((_request, response) => response.end('reached\n'))
const port = await new Promise<number>((resolve) => {
  web.listen(0, '127.0.0.1', () => resolve((web.address() as { port: number }).port))
})
const gateway = startGateway({ host, hosts: { 'good.test': ['127.0.0.1'] }, resolvers: ['127.0.0.1:9'] })
const source = boundary.open(host, true)
const policy = parsePolicy(
  { version: 1, waive: process.argv.includes('--waive') ? ['limits.memory'] : [] },
  { ceiling: { path: '/nonexistent.invalid' } },
)
const network = planOf([rule('good.test', { [port]: 'http' })])
const sandbox = await source.launch({ ...planFor(policy, boundary, host), network })
const attachment = await gateway.attach(network, sandbox.network)
const SCRIPT = `
curl -sS -m 5 http://good.test:${port}/
for to in bad.test:${port} 169.254.169.254:80 127.0.0.1:${port} '[2001:db8::1]:443' 10.0.0.1:22; do
  curl -s -m 5 "http://$to/" && echo "$to answered"
done; true`
const text = async (stream: AsyncIterable<Buffer>) => {
  let all = ''
  for await (const chunk of stream) all += chunk
  return all
}
const streams = Promise.all([text(sandbox.stdout), text(sandbox.stderr)])
await sandbox.run({ argv: ['sh', '-c', SCRIPT], inputs: [], terminal: null })
sandbox.stdin.end()
await sandbox.commandEnd
const { attempts } = await attachment.end()
await sandbox.end()
const [stdout, stderr] = await streams
console.log(JSON.stringify({ stdout, stderr, attempts: summary(attempts).sort() }))
await source.close()
await gateway.close()
web.close()
