/** The attack: a job ends its sandbox at the worst moment for the gateway. What it threw then would end the network of every sandbox. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { createSecureContext } from 'node:tls'
import { HttpConnection } from '../../src/gateway/process/http-connection.js'
import { reachSecurely } from '../../src/gateway/process/inspect/secure-reach.js'
import { SandboxNetwork } from '../../src/gateway/process/sandbox-network.js'
import { Budget } from '../../src/network/index.js'
import { planOf, rule } from './setting.js'

const target = { kind: 'name', name: 'good.test' } as const
const turn = () => new Promise((resolve) => setImmediate(resolve))

/** `during`: what happens between the check of an address and its dial's end. */
function network(port: number, during: (network: SandboxNetwork) => void = () => {}): SandboxNetwork {
  const plan = planOf([rule('good.test', { [port]: 'tls' }, { inspect: true })])
  const now = () => performance.now()
  const one: SandboxNetwork = new SandboxNetwork(
    plan,
    { resolve: async () => ({ addresses: ['127.0.0.1'] }) } as never,
    {
      now,
      total: new Budget(plan.budget, now),
      own: async () => {
        // after the address is checked, and before the kernel tells that it is connected
        setImmediate(() => during(one))
        return ['127.0.0.1']
      },
    },
    { add() {} },
  )
  return one
}

describe('a sandbox that ends', () => {
  let host: Server
  const port = () => (host.address() as { port: number }).port
  before(async () => {
    host = createServer((socket) => socket.on('error', () => {}))
    await once(host.listen(0, '127.0.0.1'), 'listening')
  })
  after(() => host.close())

  const reached = async (during: (network: SandboxNetwork) => void) => {
    const one = network(port(), during)
    const [first] = one.plan.rules
    assert.ok(first)
    return reachSecurely(
      one,
      first,
      { protocol: 'tls', target, port: port() },
      port(),
      ['http/1.1'],
      createSecureContext(),
    )
  }

  test('while its host is being dialled gets nothing, and harms nobody', async () => {
    assert.deepEqual(await reached((one) => one.end()), {
      socket: null,
      verdict: 'denyTimeout',
      address: '127.0.0.1',
      problem: 'ended',
    })
  })

  test('while its host shakes hands gets nothing either', async () => {
    const { socket, problem = '' } = (await reached((one) => setTimeout(() => one.end(), 200))) as {
      socket: unknown
      problem?: string | null
    }
    assert.deepEqual([socket, problem], [null, 'ended'])
  })

  test('before it is asked when it does is told so, once whoever asks is whole; unless it is taken back', async () => {
    const one = network(port())
    one.end()
    const heard: string[] = []
    const taken = one.whenEnded(() => heard.push('taken back'))
    taken()
    one.whenEnded(() => heard.push('ended'))
    assert.deepEqual(heard, [])
    await turn()
    assert.deepEqual(heard, ['ended'])
  })

  test('before a connection of its is looked at closes that, too', async () => {
    const one = network(port())
    one.end()
    const client = (await import('node:net')).connect(port(), '127.0.0.1')
    await once(client, 'connect')
    const incoming = { network: one, client, target, port: port(), rules: one.plan.rules, begun: [] }
    await new HttpConnection(incoming as never).concluded
    assert.ok(client.destroyed)
  })
})
