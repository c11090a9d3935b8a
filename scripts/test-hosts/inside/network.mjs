/**
 * A network on a distribution's own kernel (Linux 6.1), where nf_tables and TPROXY are modules that
 * nobody has loaded yet, and under AppArmor's profile or SELinux's domain if they are loaded by then.
 */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { check, PROGRAM, started } from './checks.mjs'
import { STARTERS } from './walls.mjs'

const SERVICE = `require('node:http').createServer((_, answer) => answer.end('of the host'))
  .listen(0, '127.0.0.1', function () { console.log(this.address().port) })`

/** Each line: what was tried, and what came of it. */
const KNOCK = `tcp() {
  said=$( (exec 3<>/dev/tcp/$1/$2 && printf 'GET / HTTP/1.0\\r\\nHost: %s:%s\\r\\n\\r\\n' "$1" "$2" >&3 && timeout 5 cat <&3) 2>/dev/null)
  case $said in *"of the host"*) echo answered;; *) echo refused;; esac
}
udp() { (exec 3<>/dev/udp/$1/$2 && printf x >&3) 2>/dev/null && echo sent || echo refused; }
tcp 127.0.0.1 $1; tcp 127.0.0.1 22; tcp 169.254.169.254 80; tcp 2606:4700::1 443; tcp other.test 80
udp 9.9.9.9 53; udp 2606:4700::1 443`

export async function network(when = '') {
  const service = spawn(process.execPath, ['-e', SERVICE], { stdio: ['ignore', 'pipe', 'inherit'] })
  const port = Number(await new Promise((resolve) => service.stdout.once('data', resolve)))
  const rule = `{host: 127.0.0.1, ports: [${port}], protocol: http, private: [127.0.0.1/32]}`
  writeFileSync('/srv/network.yaml', `version: 1\nnetwork: {allow: [${rule}]}\n`)
  for (const { name, as, flags = [] } of STARTERS) {
    const report = `/tmp/network-${name.replace(' ', '-')}.json`
    const policy = ['--policy', '/srv/network.yaml', '--report', report, '--deadline', '2m']
    const run = started([
      ...as,
      PROGRAM,
      'run',
      ...flags,
      ...policy,
      '--',
      'bash',
      '-c',
      KNOCK,
      'bash',
      `${port}`,
    ])
    const is = (what, good, seen = run) => check(`${name}${when}, a network: ${what}`, good, seen)
    is('what the policy names answers, and nothing else', run.stdout === `answered\n${'refused\n'.repeat(6)}`)
    const { network: tried = [], claims = [] } =
      run.status === 0 ? JSON.parse(readFileSync(report, 'utf8')) : {}
    const verdicts = tried.map(({ verdict }) => verdict)
    const wanted = ['allow', 'denyPort', 'denyMetadata', 'denyLiteral', 'denyName', 'denyDatagram']
    is(
      'each attempt is on record',
      wanted.every((each) => verdicts.includes(each)),
      verdicts,
    )
    const recorded = claims.find(({ id }) => id === 'network.recorded')
    is('the kernel has what the claim needs', recorded?.status === 'enforced', recorded)
  }
  service.kill('SIGKILL')
}
