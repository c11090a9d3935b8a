import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after } from 'node:test'
import { inside, outside } from '../support/attack.js'
import { sharedFolder, testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { asEachUser, glovebox } from '../support/users.js'

/** The attack: a service that does what it is told by whoever finds its socket. */
const KNOWN = [
  '/run/docker.sock',
  '/var/run/docker.sock',
  '/run/containerd/containerd.sock',
  '/run/crio/crio.sock',
  '/run/podman/podman.sock',
  '/run/user/1000/podman/podman.sock',
  '/run/user/1000/bus',
  '/run/dbus/system_bus_socket',
  '/run/systemd/private',
  '/run/systemd/journal/socket',
  '/run/systemd/notify',
  '/run/snapd.socket',
  '/dev/log',
  '/tmp/.X11-unix/X0',
  '/run/user/1000/wayland-0',
  '/var/run/nscd/socket',
  '/run/libvirt/libvirt-sock',
]
const NAMES = [
  'SSH_AUTH_SOCK',
  'DOCKER_HOST',
  'DBUS_SESSION_BUS_ADDRESS',
  'XDG_RUNTIME_DIR',
  'DISPLAY',
  'NOTIFY_SOCKET',
]

const folder = sharedFolder()
const socket = join(folder, 'docker.sock')
const server = createServer((client) => client.on('error', () => {}).end('told')).listen(socket)
after(() => server.close())

asEachUser('no socket of an engine or agent is in the sandbox, and no variable names one', async (user) => {
  const env = { ...process.env, ...Object.fromEntries(NAMES.map((name) => [name, socket])) }
  const attempts = [...KNOWN, socket].flatMap((path) => [`there,${path}`, `unix,${path}`])
  const look = await inside(user, [...attempts, 'read,/proc/self/environ'], { env })
  for (const each of attempts) assert.equal(look(each).result, 'ENOENT', each)
  assert.doesNotMatch(look('read,/proc/self/environ').detail, new RegExp(NAMES.join('|')))

  const control = await outside([`unix,${socket}`, 'read,/proc/self/environ'], { env })
  assert.equal(control(`unix,${socket}`).result, 'ok')
  assert.match(control('read,/proc/self/environ').detail, /DOCKER_HOST/)
})

asEachUser(
  'a real ssh-agent signs for who asks; the job can’t ask, though the caller’s variable names it',
  async (user, t) => {
    const path = join(testFolder(t, 0o777), 'agent')
    const started = await finished(user.as(['ssh-agent', '-a', path]))
    const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(started.stdout)?.[1] ?? assert.fail(started.stderr))
    try {
      const env = { ...process.env, SSH_AUTH_SOCK: path }
      const list = ['ssh-add', '-l']
      const control = await finished(user.as(list), { env })
      assert.match(control.stdout, /no identities/, control.stderr)
      const { stdout, stderr } = await glovebox(user, ['run', '--', ...list], { env })
      assert.equal(stdout, '')
      assert.match(stderr, /Could not open a connection/)
      const named = await glovebox(user, ['run', '--env', 'SSH_AUTH_SOCK', '--', ...list], { env })
      assert.match(named.stderr, /Error connecting to agent|Could not open a connection/, named.stderr)
    } finally {
      process.kill(pid)
    }
  },
  () => (existsSync('/usr/bin/ssh-agent') ? null : 'ssh-agent is not installed'),
)

asEachUser('a socket can’t be granted, by its own name or by a folder’s', async (user) => {
  const direct = await glovebox(user, ['run', '--read', `${socket}:/docker.sock`, '--', 'true'])
  assert.equal(direct.status, 125)
  assert.match(direct.stderr, /socket/)
  const look = await inside(user, ['there,/granted/docker.sock', 'unix,/granted/docker.sock'], {
    flags: ['--read', `${folder}:/granted`],
  })
  assert.equal(look('there,/granted/docker.sock').result, 'ok')
  assert.notEqual(look('unix,/granted/docker.sock').result, 'ok')
})
