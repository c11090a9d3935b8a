/** What the gateway's process asks of its surroundings: a clock, and this host's own addresses. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { OwnAddresses } from '../../src/gateway/process/own-addresses.js'
import { reach } from '../../src/gateway/process/reach.js'
import { namesOf } from '../../src/gateway/process/resolve.js'
import { SandboxNetwork } from '../../src/gateway/process/sandbox-network.js'
import { passTcp } from '../../src/gateway/process/tcp.js'
import { Budget } from '../../src/network/index.js'
import { planOf, rule } from './setting.js'

const UNBOUND = { maxUploadBytes: null, maxDownloadBytes: null, maxConnections: null, maxRate: null }
const TARGET = { kind: 'name', name: 'good.test' } as const

/** The loopback is this host's own. */
const OWN: OwnAddresses = async (addresses) => addresses

function networkOf(port: number, own: OwnAddresses, more: Parameters<typeof planOf>[1] = {}) {
  const plan = planOf([rule('good.test', { [port]: 'tcp' })], more)
  const now = () => performance.now()
  const verdicts: string[] = []
  const names = namesOf({ servers: [], hosts: [['good.test', ['127.0.0.1']]] })
  const surroundings = { now, own, total: new Budget(UNBOUND, now) }
  const log = { add: ({ verdict }: { verdict: string }) => void verdicts.push(verdict) }
  return { network: new SandboxNetwork(plan, names, surroundings, log), plan, verdicts }
}

async function listening(t: TestContext, onConnection: (socket: Socket) => void) {
  const server = createServer((socket) => onConnection(socket.on('error', () => {}))).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  return (server.address() as { port: number }).port
}

test('while the addresses of this host can’t be had, nothing is dialled, and nothing but the attempt ends', async (t) => {
  let connections = 0
  const port = await listening(t, () => (connections += 1))
  const broken = networkOf(port, async () => {
    throw new Error('no descriptor to ask with')
  })
  const [only] = broken.plan.rules
  assert.ok(only)
  const what = { protocol: 'tcp', target: TARGET, port } as const
  const none = await reach(broken.network, only, what, port)
  assert.equal(none.socket, null)
  assert.equal(connections, 0)
  const control = await reach(networkOf(port, OWN).network, only, what, port)
  assert.ok(control.socket)
  control.socket.destroy()
})

test('an address that has become this host’s own since it was judged is connected to, and not a byte is sent', async (t) => {
  let heard = 0
  const port = await listening(t, (socket) => socket.on('data', ({ length }: Buffer) => (heard += length)))
  const changed = networkOf(port, async () => [])
  const [only] = changed.plan.rules
  assert.ok(only)
  const what = { protocol: 'tcp', target: TARGET, port } as const
  const reached = await reach(changed.network, only, what, port)
  assert.deepEqual([reached.socket, 'problem' in reached && reached.problem], [null, 'EADDRCHANGED'])
  assert.equal(heard, 0)
})

test('a clock that jumps ends no connection, lengthens no limit, and gives no budget back', async (t) => {
  const port = await listening(t, (socket) => socket.pipe(socket))
  const { network, plan, verdicts } = networkOf(port, OWN, {
    budget: { maxRate: 2, maxUploadBytes: 100 },
    timeouts: { idleMs: 600 },
  })
  const passing: Promise<void>[] = []
  const gateway = await listening(t, (client) => {
    client.pause()
    passing.push(
      passTcp({ network, client, target: TARGET, port, rules: [plan.rules[0] ?? assert.fail()], begun: [] }),
    )
  })
  const socket = connect(gateway, '127.0.0.1').on('error', () => {})
  const start = Date.parse('2030-01-01T00:00:00Z')
  t.mock.timers.enable({ apis: ['Date'], now: start })
  for (const hours of [0, 24, -24 * 365, 24 * 365 * 20, 0]) {
    t.mock.timers.setTime(start + hours * 3_600_000)
    socket.write('x')
    const [said] = (await once(socket, 'data')) as [Buffer]
    assert.equal(`${said}`, 'x')
  }
  assert.deepEqual([network.budget.open(), network.budget.open(), network.budget.open()], [true, true, false])
  t.mock.timers.setTime(start + 3_600_000)
  assert.equal(network.budget.open(), false, 'an hour on the wall is no second')
  t.mock.timers.setTime(0)
  // silence is still silence, though the clock has gone back by years
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await Promise.all([...passing, closed])
  assert.deepEqual(verdicts, ['denyTimeout'])
})
