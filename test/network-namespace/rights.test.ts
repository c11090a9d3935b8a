import assert from 'node:assert/strict'
import { asEachUser } from '../support/users.js'
import { boxed, inside, outside } from './tools.js'

/** The attack: change the namespace from inside, so that something else than the gateway answers, or nothing is written down. */
asEachUser('the job can’t read or change the rules, the routes or the interface', async (user) => {
  const attempts = [
    'made,16,3,12', // NETLINK_NETFILTER
    'link_down',
    'option,0,19', // IP_TRANSPARENT
    'option,41,75', // IPV6_TRANSPARENT
    'option,1,36', // SO_MARK
    'option,1,33', // SO_RCVBUFFORCE
    'tcp,93.184.216.34,443',
  ]
  const { look } = await inside(user, [...attempts, 'capabilities'])
  assert.equal(look('made,16,3,12').result, 'EAFNOSUPPORT')
  for (const attempt of attempts.slice(1, -1)) assert.equal(look(attempt).result, 'EPERM', attempt)
  assert.equal(look('tcp,93.184.216.34,443').result, 'ok', 'after all that')
  const [inheritable, permitted, effective, bounding, ambient] = look('capabilities').detail.split(' ')
  for (const set of [inheritable, permitted, effective, bounding, ambient])
    assert.equal(set, '0000000000000000')
})

asEachUser('nobody but the gateway hears the questions', async (user) => {
  const theft = ['', ',SO_REUSEADDR', ',SO_REUSEPORT', ',SO_REUSEADDR,SO_REUSEPORT'].flatMap((options) => [
    `steal,198.18.0.53,53${options}`,
    `steal,0.0.0.0,53${options}`,
  ])
  const { look, questions } = await inside(user, [...theft, 'udp,198.18.0.53,53'])
  for (const attempt of theft) assert.equal(look(attempt).result, 'EACCES', attempt)
  assert.deepEqual(questions, ['question'])
  const control = await outside(['steal,127.0.0.1,0,SO_REUSEADDR'])
  assert.equal(control('steal,127.0.0.1,0,SO_REUSEADDR').result, 'ok')
})

asEachUser(
  'programs ask which interfaces there are and whom to ask for names, and find both families',
  async (user) => {
    const script = `
    node -e 'console.log(Object.keys(os.networkInterfaces()).join())' &&
    python3 -c 'import socket; print(socket.if_nameindex())' &&
    cat /etc/resolv.conf && grep hosts: /etc/nsswitch.conf`
    const { stdout, stderr } = await boxed(user, { argv: ['sh', '-c', script] })
    assert.equal(
      stdout,
      "lo\n[(1, 'lo')]\nnameserver 198.18.0.53\noptions timeout:2 attempts:2\nhosts: files dns\n",
      stderr,
    )
    // AI_ADDRCONFIG: a resolver that saw no IPv6 address would ask for none
    const { questions } = await inside(user, ['names,a.test'])
    const types = questions.map((question) => question.charCodeAt(question.length - 3))
    assert.deepEqual(
      [...new Set(types)].sort((a, b) => a - b),
      [1, 28],
    )
  },
)

asEachUser('nothing of the namespace is left in the launcher or with the caller', async (user) => {
  for (const how of [{}, { untaken: true }, { byPort: [80, 443, 8080] }, { killed: 60 }]) {
    const argv = [
      'python3',
      '-c',
      'import socket; socket.socket(2, 2).sendto(b"x", ("198.18.0.53", 53))',
    ] as const
    const { descriptors } = await boxed(user, { argv, times: 4, ...how })
    assert.deepEqual(descriptors[1], descriptors[0])
  }
})

asEachUser(
  'without TPROXY the ports of the rules end in the gateway, every other is refused, and the report says so',
  async (user) => {
    const attempts = [
      'tcp,93.184.216.34,443',
      'tcp,2606:4700::1,8080',
      'tcp,198.18.0.53,53',
      'tcp,93.184.216.34,22',
      'udp,198.18.0.53,53',
      'udp,1.1.1.1,443',
    ]
    const { look, ends, connections, end } = await inside(user, attempts, { byPort: [443, 8080] })
    assert.deepEqual(ends, ['connections', 'connections', 'connections', 'names'])
    assert.deepEqual([...connections].sort(), ['198.18.0.53 53', '2606:4700::1 8080', '93.184.216.34 443'])
    assert.equal(look('tcp,93.184.216.34,22').result, 'ECONNREFUSED')
    assert.equal(look('udp,198.18.0.53,53').detail, 'answer')
    assert.equal(look('udp,1.1.1.1,443').result, 'EPERM')
    const [recorded] = end.observed.filter(({ id }) => id === 'network.recorded')
    assert.equal(recorded?.status, 'impossible')
    assert.match(recorded?.by ?? '', /TPROXY/)
  },
)
