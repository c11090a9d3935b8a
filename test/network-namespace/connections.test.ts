import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:net'
import { after, before } from 'node:test'
import { asEachUser } from '../support/users.js'
import { inside, outside } from './tools.js'

/**
 * The attack: connect to something that is not the gateway. A regression shows as a connection that succeeds without the
 * gateway having seen it, or as one that the decoy on the host's loopback hears.
 */
const ABSTRACT = `glovebox-network-${process.pid}`
let decoyPort = 0
let heard = 0
const servers: Server[] = []
const decoy = () =>
  createServer((socket) => {
    heard++
    socket.on('error', () => {})
    socket.end('the host')
  })
before(async () => {
  const [tcp, unix] = [decoy(), decoy()]
  servers.push(tcp, unix)
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve))
  await new Promise<void>((resolve) => unix.listen(`\0${ABSTRACT}`, resolve))
  decoyPort = (tcp.address() as { port: number }).port
})
after(() => {
  for (const server of servers) server.close()
})

const ANYWHERE = [
  ['93.184.216.34', 443],
  ['10.1.2.3', 22222],
  ['169.254.169.254', 80],
  ['2606:4700::1', 8080],
  ['fd00:ec2::254', 80],
  ['::ffff:10.1.2.3', 80],
  ['fe80::1%lo', 80],
  ['127.0.0.1', 5432],
  ['127.8.9.10', 80],
  ['::1', 5432],
  ['198.18.0.53', 53],
  ['198.18.0.53', 80],
  ['198.18.0.1', 80],
  ['240.0.0.1', 1],
  ['127.0.0.1', 1],
  ['1.1.1.1', 65535],
] as const

asEachUser('a connection to any address and port ends in the gateway, which sees both', async (user) => {
  const attempts = ANYWHERE.map(([address, port]) => `tcp,${address},${port}`)
  const { look, connections, ends, end } = await inside(user, attempts)
  assert.deepEqual(ends, ['connections', 'names'])
  const meant = ANYWHERE.map(([address, port]) => `${address.replace(/^::ffff:|%lo$/g, '')} ${port}`)
  assert.deepEqual([...connections].sort(), [...meant].sort())
  for (const [index, attempt] of attempts.entries())
    assert.deepEqual(look(attempt), { result: 'ok', detail: `you meant ${meant[index]}` })
  assert.deepEqual(end.datagrams, [])
  assert.deepEqual(
    end.observed.filter(({ id }) => id.startsWith('network')),
    [],
    'all that the plan says of its network holds here',
  )
})

asEachUser('what has no single host behind it is refused at once', async (user) => {
  const attempts = ['tcp,255.255.255.255,80', 'tcp,224.0.0.1,80', 'tcp,ff02::1,80']
  const { look, connections } = await inside(user, attempts)
  for (const attempt of attempts) assert.equal(look(attempt).result, 'ENETUNREACH')
  assert.deepEqual(connections, [])
})

asEachUser(
  'nothing that listens on the host is there: neither loopback nor an abstract socket',
  async (user) => {
    const attempts = [`tcp,127.0.0.1,${decoyPort}`, `abstract,${ABSTRACT}`]
    heard = 0
    const control = await outside(attempts)
    assert.deepEqual(control(attempts[0] ?? ''), { result: 'ok', detail: 'the host' })
    assert.equal(control(attempts[1] ?? '').result, 'ok')
    for (const loopback of [false, true]) {
      heard = 0
      const { look } = await inside(user, attempts, { loopback })
      assert.equal(look(attempts[1] ?? '').result, 'ECONNREFUSED')
      assert.equal(look(attempts[0] ?? '').result, loopback ? 'ECONNREFUSED' : 'ok')
      assert.notEqual(look(attempts[0] ?? '').detail, 'the host')
      assert.equal(heard, 0)
    }
  },
)

asEachUser('a server of the job’s own does not answer in the place of the gateway', async (user) => {
  const attempts = [
    'own_server,0.0.0.0,8443,93.184.216.34',
    'own_server,::,8444,2606:4700::1',
    'own_server,203.0.113.9,8445,203.0.113.9',
    'own_server,127.0.0.1,8446,127.0.0.1',
    'at_once',
  ]
  const { look } = await inside(user, attempts)
  for (const attempt of attempts.slice(0, -1)) assert.match(look(attempt).detail, /^you meant /)
  assert.notEqual(look('at_once').result, 'ok')
  const control = await outside(['own_server,127.0.0.1,0,127.0.0.1'])
  assert.equal(control('own_server,127.0.0.1,0,127.0.0.1').detail, 'own')
})

asEachUser(
  'with loopback granted the job reaches its own servers there, and nobody else’s anywhere',
  async (user) => {
    const attempts = [
      'own_server,127.0.0.1,8446,127.0.0.1',
      'own_server,::1,8447,::1',
      'own_server,0.0.0.0,8448,127.0.0.1',
      'own_datagrams,127.0.0.1',
      'own_datagrams,::1',
      'own_server,0.0.0.0,8449,93.184.216.34',
      'tcp,127.0.0.1,9',
      'udp_heard,127.0.0.1,9',
      'udp,93.184.216.34,443',
    ]
    const { look, connections } = await inside(user, attempts, { loopback: true })
    for (const attempt of attempts.slice(0, 5))
      assert.deepEqual(look(attempt), { result: 'ok', detail: 'own' })
    assert.deepEqual(connections, ['93.184.216.34 8449'])
    assert.equal(look('tcp,127.0.0.1,9').result, 'ECONNREFUSED')
    assert.equal(look('udp_heard,127.0.0.1,9').result, 'ECONNREFUSED')
    assert.equal(look('udp,93.184.216.34,443').result, 'EPERM')
  },
)

asEachUser(
  'a gateway that goes away is a refusal at once, not a silence, and nobody takes its place',
  async (user) => {
    const attempts = [
      'tcp,93.184.216.34,443',
      'tcp,2606:4700::1,443',
      'udp_heard,198.18.0.53,53',
      'own_server,0.0.0.0,8443,93.184.216.34',
      'steal,198.18.0.53,53',
      'own_server,::,1,93.184.216.34',
    ]
    const { look } = await inside(user, attempts, { gone: true })
    for (const attempt of attempts.slice(0, 4)) assert.equal(look(attempt).result, 'ECONNREFUSED', attempt)
    for (const attempt of attempts.slice(4)) assert.equal(look(attempt).result, 'EACCES', attempt)
  },
)

asEachUser('with a read grant there is no Unix socket, and the network is there', async (user) => {
  const { look } = await inside(user, ['tcp,93.184.216.34,443', 'made,1,1,0', 'udp,198.18.0.53,53'], {
    read: ['/usr/share:/shared'],
  })
  assert.equal(look('tcp,93.184.216.34,443').result, 'ok')
  assert.equal(look('udp,198.18.0.53,53').detail, 'answer')
  assert.equal(look('made,1,1,0').result, 'EAFNOSUPPORT')
})
