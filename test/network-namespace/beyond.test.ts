import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { asEachNetworkUser, SUITE_IS_ROOT } from '../support/users.js'
import { onGvisor, waiting } from './gvisor.js'
import { boxed, inside } from './tools.js'

/**
 * The network one hop out, for a job whose stack is not this kernel's: its namespace and the gateway's sockets' are two, joined by
 * a pair of interfaces. The attack: send something there that is neither for the gateway nor refused. A regression shows as a
 * connection or question that the gateway does not see, or as a datagram that no report knows of.
 */
const BEYOND = { place: 'beyond', loopback: true } as const

const ANYWHERE = [
  ['93.184.216.34', 443],
  ['10.1.2.3', 22222],
  ['169.254.169.254', 80],
  ['2606:4700::1', 8080],
  ['fd00:ec2::254', 80],
  ['::ffff:10.1.2.3', 80],
  ['198.18.0.53', 53],
  ['198.18.0.53', 80],
  ['198.18.0.0', 80],
  ['198.18.0.2', 80],
  ['198.18.0.255', 80],
  ['fd67:6c6f:7665::c612:0', 80],
  ['240.0.0.1', 1],
  ['1.1.1.1', 65535],
] as const

asEachNetworkUser('one hop out, a connection to any address and port ends in the gateway', async (user) => {
  const attempts = ANYWHERE.map(([address, port]) => `tcp,${address},${port}`)
  const { look, connections, ends, end } = await inside(user, attempts, BEYOND)
  assert.deepEqual(ends, ['connections', 'names'])
  const meant = ANYWHERE.map(([address, port]) => `${plain(address)} ${port}`)
  assert.deepEqual([...connections].sort(), [...meant].sort())
  for (const [index, attempt] of attempts.entries())
    assert.deepEqual(look(attempt), { result: 'ok', detail: `you meant ${meant[index]}` })
  assert.deepEqual(end.datagrams, [], 'what two stacks say of their own accord is no attempt')
})

asEachNetworkUser(
  'one hop out, questions arrive, and every other datagram is refused and told of',
  async (user) => {
    const refused = [
      ['1.1.1.1', 443],
      ['198.18.0.53', 54],
      ['198.18.0.0', 53],
      ['2606:4700::1', 443],
    ] as const
    const attempts = refused.map(([address, port]) => `udp_heard,${address},${port}`)
    // more than the kernel answers of itself in one second: each is heard of
    const many = Array.from({ length: 30 }, (_, index) => `udp_heard,192.0.2.${index + 1},443`)
    const all = ['udp,198.18.0.53,53', ...attempts, 'options_header', ...many]
    const { look, questions, end } = await inside(user, all, BEYOND)
    assert.equal(look('udp,198.18.0.53,53').detail, 'answer')
    assert.deepEqual(questions, ['question'])
    for (const attempt of [...attempts, ...many]) assert.equal(look(attempt).result, 'ECONNREFUSED', attempt)
    const told = end.datagrams.map(({ address, port }) => `${address} ${port}`)
    const expected = [...refused.map((each) => each.join(' ')), '198.18.0.53 53']
    for (const each of expected) assert.ok(told.includes(each), `${each}: ${told}`)
  },
)

asEachNetworkUser(
  'one hop out, a server of the job’s own is heard on its own addresses and nowhere else',
  async (user) => {
    const elsewhere = [
      'own_server,0.0.0.0,8443,93.184.216.34',
      'own_server,::,8444,2606:4700::1',
      'own_server,0.0.0.0,8445,198.18.0.0',
    ]
    const own = [
      'own_server,127.0.0.1,8446,127.0.0.1',
      'own_server,::1,8447,::1',
      'own_server,0.0.0.0,8448,198.18.0.1',
    ]
    const { look } = await inside(user, [...elsewhere, ...own], BEYOND)
    for (const attempt of elsewhere) assert.match(look(attempt).detail, /^you meant /)
    for (const attempt of own) assert.deepEqual(look(attempt), { result: 'ok', detail: 'own' })
  },
)

asEachNetworkUser('one hop out, a gateway that goes away is a refusal at once', async (user) => {
  const attempts = ['tcp,93.184.216.34,443', 'tcp,2606:4700::1,443', 'udp_heard,198.18.0.53,53']
  const { look } = await inside(user, attempts, { ...BEYOND, gone: true })
  for (const attempt of attempts) assert.equal(look(attempt).result, 'ECONNREFUSED', attempt)
})

asEachNetworkUser('one hop out without TPROXY, the ports of the rules end in the gateway', async (user) => {
  const attempts = [
    'tcp,93.184.216.34,443',
    'tcp,2606:4700::1,8080',
    'tcp,198.18.0.53,53',
    'tcp,93.184.216.34,22',
  ]
  const asked = [...attempts, 'udp,198.18.0.53,53', 'udp_heard,1.1.1.1,443']
  const { look, connections } = await inside(user, asked, { ...BEYOND, byPort: [443, 8080] })
  assert.deepEqual([...connections].sort(), ['198.18.0.53 53', '2606:4700::1 8080', '93.184.216.34 443'])
  assert.equal(look('tcp,93.184.216.34,22').result, 'ECONNREFUSED')
  assert.equal(look('udp,198.18.0.53,53').detail, 'answer')
  assert.equal(look('udp_heard,1.1.1.1,443').result, 'ECONNREFUSED')
})

asEachNetworkUser(
  'one hop out, what names another source, and every protocol but TCP and questions, goes nowhere and is told of',
  async (user) => {
    const { running, pid } = await waiting(user, BEYOND)
    const forger = ['/usr/bin/python3', join(ROOT, 'test/network-namespace/forged.py'), '7000']
    const { status, stderr } = await finished(['/usr/bin/nsenter', '--net', `--target=${pid}`, ...forger], {})
    assert.equal(status, 0, stderr)
    const { connections, questions, end } = await running
    // its handshake is never finished, so nobody hears of the one SYN that was honest either
    assert.deepEqual(connections, [])
    assert.deepEqual(questions, [])
    const told = new Map(end.datagrams.map(({ address, count }) => [address, count]))
    const expected = [
      '2001:db8::1',
      '2001:db8::2',
      '192.0.2.3',
      '192.0.2.4',
      '2001:db8::5',
      '2001:db8::6',
      '224.1.2.3',
      'ff05::fb',
    ]
    for (const address of expected) assert.equal(told.get(address), 1, address)
    // the kernel itself drops what claims to come from loopback, before or after it is told of
    for (const address of ['192.0.2.1', '192.0.2.2']) assert.ok((told.get(address) ?? 0) >= 4, address)
    assert.equal(told.get('192.0.2.7'), undefined, 'a connection is no datagram')
  },
  () => (SUITE_IS_ROOT ? null : 'only root can send forged packets from a job’s namespace'),
)

asEachNetworkUser(
  'one hop out, what a job on gVisor’s own stack sends arrives or is refused in the same way',
  async (user) => {
    const attempts = ANYWHERE.map(([address, port]) => `tcp,${address},${port}`)
    const more = [
      'udp,198.18.0.53,53',
      'udp_heard,1.1.1.1,443',
      'udp_heard,2606:4700::1,443',
      'own_server,127.0.0.1,8446,127.0.0.1',
    ]
    const { look, connections, questions, end } = await onGvisor(user, [...attempts, ...more])
    for (const [index, attempt] of attempts.entries()) {
      const [address = '', port] = ANYWHERE[index] ?? []
      assert.deepEqual(look(attempt), { result: 'ok', detail: `you meant ${plain(address)} ${port}` })
    }
    assert.equal(connections.length, attempts.length)
    assert.equal(look('udp,198.18.0.53,53').detail, 'answer')
    assert.deepEqual(questions, ['question'])
    assert.equal(look('udp_heard,1.1.1.1,443').result, 'ECONNREFUSED')
    assert.equal(look('udp_heard,2606:4700::1,443').result, 'ECONNREFUSED')
    assert.equal(look('own_server,127.0.0.1,8446,127.0.0.1').detail, 'own', 'on a loopback of its own')
    const told = end.datagrams.map(({ address, port, count }) => `${address} ${port} ${count}`)
    assert.deepEqual(told, ['1.1.1.1 443 1', '2606:4700::1 443 1'])
  },
  () =>
    SUITE_IS_ROOT
      ? existsSync('/usr/bin/runsc')
        ? null
        : 'runsc is not installed'
      : 'only root can enter a job’s network',
)

asEachNetworkUser(
  'one hop out, nothing of the namespaces is left in the launcher or with the caller',
  async (user) => {
    for (const how of [{}, { untaken: true }, { killed: 40 }]) {
      const { descriptors } = await boxed(user, { ...BEYOND, argv: ['true'], times: 4, ...how })
      assert.deepEqual(descriptors[1], descriptors[0])
    }
  },
)

const plain = (address: string) => address.replace(/^::ffff:(?=\d)/, '')
