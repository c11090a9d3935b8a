/** Real clients in sandboxes whose TLS is looked into, as whoever runs this; prints what each saw, and what was recorded. */
import { createSecureServer } from 'node:http2'
import { Glovebox, parsePolicy } from '../../src/index.js'
import { TestAuthority } from './inspect-tools.js'
import { summary } from './setting.js'

const authority = new TestAuthority()
const REFS = `${'1'.repeat(40)}\trefs/heads/main\n`
const identity = authority.sign(['DNS:good.test', 'DNS:unread.test'])
const server = createSecureServer({ ...identity, allowHTTP1: true }, (request, response) => {
  response.end(request.url?.includes('info/refs') ? REFS : `hello ${request.httpVersion}`)
})
const port = await new Promise<number>((resolve) => {
  server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
})
const url = `https://good.test:${port}/`
const glovebox = await Glovebox.start({
  network: {
    hosts: { 'good.test': ['127.0.0.1'], 'unread.test': ['127.0.0.1'] },
    authorities: [authority.pem],
  },
})
const rule = { ports: [port], protocol: 'tls', private: ['127.0.0.1'] }
const policy = parsePolicy(
  {
    version: 1,
    waive: process.argv.includes('--waive') ? ['limits.memory'] : [],
    limits: { memory: '2GiB', processes: 256, openFiles: 1024 },
    lifetime: { deadline: '60s' },
    network: {
      allow: [
        { ...rule, host: 'good.test', inspect: true, methods: ['GET'] },
        { ...rule, host: 'unread.test' },
      ],
    },
  },
  { ceiling: { path: '/nonexistent.invalid' } },
)
const PYTHON = `import urllib.request as u;print(u.urlopen("${url}").read().decode())`
const JAVA =
  'public class T { public static void main(String[] a) throws Exception { System.out.println(new String(new java.net.URL(a[0]).openStream().readAllBytes())); } }'
const CLIENTS: Readonly<Record<string, readonly string[]>> = {
  curl: ['curl', '-sS', url],
  'curl by HTTP/1.1': ['curl', '-sS', '--http1.1', url],
  'curl without variables': ['env', '-i', '/usr/bin/curl', '-sS', url],
  'curl with a method that the rule has not': [
    'curl',
    '-sS',
    '-X',
    'DELETE',
    '-o',
    '/dev/null',
    '-w',
    '%{http_code}',
    url,
  ],
  'curl to a host that is not inspected, whose authority the job does not know': [
    'curl',
    '-s',
    `https://unread.test:${port}/`,
  ],
  openssl: [
    'sh',
    '-c',
    `openssl s_client -connect good.test:${port} -verify_return_error </dev/null 2>/dev/null | grep -o 'Verify return code: 0 (ok)' | head -1`,
  ],
  python3: ['python3', '-c', PYTHON],
  node: [process.execPath, '-e', `fetch('${url}').then((answer) => answer.text()).then(console.log)`],
  git: ['git', '-c', 'protocol.version=0', 'ls-remote', `${url}x.git`],
  ...(process.argv.includes('--java')
    ? {
        java: ['java', 'T.java', url],
        'java without variables': ['env', '-i', '/usr/bin/java', 'T.java', url],
      }
    : {}),
}
const seen: Record<string, unknown> = {}
for (const [name, argv] of Object.entries(CLIENTS)) {
  const result = await glovebox.run(policy, argv, { inputs: { 'T.java': Buffer.from(JAVA) } })
  const recorded = result.report.network.filter(({ protocol }) => protocol !== 'dns')
  seen[name] = [result.exitCode, result.text().trim(), ...summary(recorded)]
}
// what is in the sandbox of the authority is its certificate alone, and each sandbox has its own
const files = await Promise.all(
  [1, 2].map(() =>
    glovebox.run(policy, [
      'sh',
      '-c',
      'cat /etc/glovebox-ca.crt; grep -l "PRIVATE KEY" /etc/glovebox* /proc/*/environ; ls /etc | grep glovebox',
    ]),
  ),
)
const texts = files.map((result) => result.text())
seen.files = [texts[0]?.includes('PRIVATE'), texts[0] === texts[1], texts[0]?.split('-----\n').at(-1)]
console.log(JSON.stringify(seen))
await glovebox.close()
server.close()
process.exit()
