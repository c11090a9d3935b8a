import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { inside, outside, promises, refused } from '../support/attack.js'
import { sharedFolder } from '../support/checkout.js'
import { asEachUser } from '../support/users.js'

/**
 * The attack: reach anything at all. Outside, the same attempts reach this suite's own servers: TCP on loopback, an
 * abstract socket, a socket file; and a segment of System V shared memory.
 */
const ABSTRACT = `@glovebox-test-${process.pid}`
const folder = sharedFolder()
const SOCKET = join(folder, 'host.sock')
const TCP_PORT = 20000 + (process.pid % 20000)
const KEY = (0x67000000 + process.pid).toString(16)

const servers: Server[] = []
before(async () => {
  for (const place of [
    { port: TCP_PORT, host: '127.0.0.1' },
    { path: ABSTRACT.replace('@', '\0') },
    { path: SOCKET },
  ]) {
    const server = createServer((socket) => socket.destroy())
    servers.push(server)
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(place, resolve))
  }
  await outside([`shm-make,${KEY},of-the-host`])
})
after(async () => {
  for (const server of servers) server.close()
  await outside([`shm-remove,${KEY}`])
})

promises({}, () => [
  {
    name: 'no interface but a loopback that is down',
    inside: ['interfaces'],
    outside: ['interfaces'],
    holds: (look) => assert.equal(look('interfaces').detail, 'lo:down'),
    control: (look) => assert.match(look('interfaces').detail, /lo:up/),
  },
  refused('no connection to the host’s loopback', [`connect,127.0.0.1,${TCP_PORT}`]),
  refused(
    'no connection to any other address',
    ['connect,169.254.169.254,80', 'connect,10.0.0.1,22', 'connect,192.0.2.1,443'],
    { outside: [`connect,127.0.0.1,${TCP_PORT}`] },
  ),
  refused('no server on loopback', ['bind-loopback']),
  refused(
    'no stream and no datagram socket of the internet’s families',
    ['socket,2,1,0', 'socket,2,2,0', 'socket,10,1,0', 'socket,10,2,0'],
    {
      outside: ['socket,2,1,0', 'socket,2,2,0'],
    },
  ),
  refused(
    'no raw, packet, netlink, vsock or crypto socket',
    ['socket,2,3,1', 'socket,17,3,0', 'socket,16,3,0', 'socket,40,1,0', 'socket,38,5,0'],
    {
      outside: ['socket,2,3,1', 'socket,16,3,0'],
      rootControl: true,
    },
  ),
  refused('no abstract socket of the host', [`unix,${ABSTRACT}`]),
  refused('no socket file of the host', [`unix,${SOCKET}`, `unix-pair,${SOCKET}`], {
    outside: [`unix,${SOCKET}`],
  }),
  refused('no System V shared memory of the host', [`shm,${KEY}`], { with: ['ENOENT'] }),
])

/**
 * The attack: a folder is granted for reading, and a service of the host has its socket in it. A read-only mount does
 * not keep anyone from connecting, and to the sandbox of root the owner's mode is no hindrance either.
 */
asEachUser('a socket in a granted folder can’t be connected to', async (user) => {
  const flags = ['--read', `${folder}:/granted`]
  const look = await inside(
    user,
    ['unix,/granted/host.sock', 'unix-pair,/granted/host.sock', 'there,/granted/host.sock'],
    { flags },
  )
  assert.equal(look('there,/granted/host.sock').result, 'ok')
  assert.notEqual(look('unix,/granted/host.sock').result, 'ok')
  assert.equal(look('unix-pair,/granted/host.sock').result, 'EAFNOSUPPORT')
  assert.equal((await outside([`unix,${SOCKET}`]))(`unix,${SOCKET}`).result, 'ok')
})
