/** What only the gVisor boundary has to show: its network stack, its one wire, its words. The rest: `glovebox verify --boundary gvisor`. */
import './gvisor-suite.js'
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { boundaryNamed, nativePrograms } from '../../src/boundary/index.js'
import { HOSTS, RUNTIMES } from '../plan/hosts.js'
import { asEachNetworkUser, asEachUser, glovebox } from '../support/users.js'
import { gvisorLack } from './gvisor-here.js'

const gvisor = boundaryNamed('gvisor') ?? assert.fail('there is no boundary gvisor')

function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'glovebox-gvisor-'))
  chmodSync(made, 0o777)
  t.after(() => rmSync(made, { recursive: true, force: true }))
  return made
}

/** Standard programs, by which a job says what it finds. */
const PYTHON = `
import socket, sys
def tries(what, act):
    try: print(what, act())
    except OSError as error: print(what, error.errno)
tries('denied', lambda: socket.create_connection(('93.184.216.34', 443), 5).recv(1))
tries('metadata', lambda: socket.create_connection(('169.254.169.254', 80), 5).recv(1))
tries('name', lambda: len(socket.getaddrinfo('allowed.test', 443, socket.AF_INET)))
tries('other', lambda: socket.getaddrinfo('denied.test', 443, socket.AF_INET))
def datagram():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(5)
    sock.connect(('8.8.8.8', 53))
    sock.send(b'x')
    return sock.recv(1)
tries('datagram', datagram)
tries('raw', lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
tries('packet', lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
`

asEachNetworkUser(
  'gVisor’s own network stack ends in the gateway: verdicts, names, and a record of what was refused',
  async (user, t) => {
    const report = join(folder(t), 'report.json')
    const { stdout, stderr, status } = await glovebox(user, [
      'run',
      '--allow-host',
      'allowed.test',
      '--report',
      report,
      '--',
      'python3',
      '-c',
      PYTHON,
    ])
    assert.equal(stderr, '')
    assert.equal(status, 0)
    assert.match(stdout, /^denied (104|b'')$/m, 'the gateway hangs up')
    assert.match(stdout, /^metadata (104|b'')$/m)
    assert.match(stdout, /^name [1-3]$/m, 'it has an address that stands for it')
    assert.match(stdout, /^other -2$/m, 'nobody answers for another')
    assert.match(stdout, /^datagram 111$/m, 'refused where it arrives, by ICMP')
    assert.match(stdout, /^raw 93$/m, 'our filter’s own answer')
    assert.match(stdout, /^packet 97$/m)
    const { network } = JSON.parse(readFileSync(report, 'utf8'))
    const told = JSON.stringify(network)
    for (const each of ['93.184.216.34', '169.254.169.254', 'denied.test', '8.8.8.8'])
      assert.ok(told.includes(each), `${each} is not recorded: ${told}`)
  },
  gvisorLack,
)

asEachUser(
  'a job that writes frames of the first process to whatever is in /proc is not believed',
  async (user) => {
    const probe = nativePrograms().probe
    const { stdout, status } = await glovebox(user, [
      'run',
      '--read',
      `${probe}:/probe`,
      '--',
      'sh',
      '-c',
      '/probe forge,everywhere; for fd in /proc/1/fd/*; do (echo Eforged > $fd) 2>/dev/null; done; echo still here; exit 7',
    ])
    assert.equal(status, 7, 'its end is what it was')
    assert.match(stdout, /still here\n$/)
  },
  gvisorLack,
)

test('what user notification keeps on Linux is refused, with what to write instead', () => {
  for (const host of Object.values(HOSTS))
    for (const id of ['syscalls.no-exec', 'syscalls.lock'] as const) {
      const requirement = { id, sentence: 'It holds.', family: 'escape', applies: true } as const
      const answer = gvisor.answer({ requirement, host, plan: null, cpus: 1 })
      assert.equal(answer.kind, 'impossible')
      assert.match('get' in answer ? answer.get : '', /`boundary: process`/)
    }
})

test('a runsc of no version that can be told is not said to be without known escapes', () => {
  const requirement = {
    id: 'isolation.known-escapes',
    sentence: 'It holds.',
    family: 'escape',
    applies: true,
  } as const
  for (const host of Object.values(HOSTS)) {
    const asked = (version: string | null) =>
      gvisor.answer({
        requirement,
        host: { ...host, runtimes: () => ({ ...RUNTIMES, runsc: { ...RUNTIMES.runsc, version } }) },
        plan: null,
        cpus: 1,
      }).kind
    assert.equal(asked('0.0~20221219.0'), 'enforced')
    assert.equal(asked(null), 'impossible')
  }
})
