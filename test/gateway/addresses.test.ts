/**
 * A name that the policy allows, and addresses that it must not lead to. Decoys listen where a mistake would arrive; each has its
 * control, by which it is seen to hear.
 */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { classifyAddress } from '../../src/network/index.js'
import { NO_NAMESPACE } from './namespace.js'
import { TestResolver } from './resolver.js'
import { find, type Heard, planOf, rule, Setting, summary, talk } from './setting.js'

/** Every kind of address that a name must not lead to, and how the refusal is called. */
const FORBIDDEN: Readonly<Record<string, string>> = {
  '127.0.0.1': 'denyLoopback',
  '127.8.9.10': 'denyLoopback',
  '::1': 'denyLoopback',
  '0.0.0.0': 'denyReserved',
  '::': 'denyReserved',
  '10.0.0.1': 'denyPrivate',
  '172.16.9.9': 'denyPrivate',
  '192.168.1.1': 'denyPrivate',
  'fd12::1': 'denyPrivate',
  '169.254.1.1': 'denyLinkLocal',
  'fe80::1': 'denyLinkLocal',
  '100.64.0.1': 'denyCgnat',
  '169.254.169.254': 'denyMetadata',
  '169.254.170.2': 'denyMetadata',
  '100.100.100.200': 'denyMetadata',
  '168.63.129.16': 'denyMetadata',
  'fd00:ec2::254': 'denyMetadata',
  '224.0.0.1': 'denyMulticast',
  'ff02::1': 'denyMulticast',
  '255.255.255.255': 'denyReserved',
  '240.0.0.1': 'denyReserved',
  '::ffff:127.0.0.1': 'denyEmbedded',
  '64:ff9b::7f00:1': 'denyEmbedded',
  '2002:7f00:1::1': 'denyEmbedded',
}

describe('what a name leads to', { skip: NO_NAMESPACE }, () => {
  let setting: Setting
  let resolver: TestResolver
  let host: Heard
  let answers: readonly string[] = []

  before(async () => {
    resolver = new TestResolver({
      'any.test': ({ answer }) => answer(answers),
      // the first answer is good, the next is not: between the check and the dial, nobody is asked again
      'rebinding.test': ({ before, answer }) => answer([before === 0 ? '127.0.0.1' : '127.0.0.2']),
      'mixed.test': ({ answer }) => answer(['10.0.0.1', '127.0.0.1', '169.254.169.254', '127.0.0.2']),
      'chain.test': ({ name, answer }) =>
        answer(['127.0.0.2'], [{ type: 'CNAME', name, data: 'inner.test' }]),
      'silent.test': () => {},
      'wrong-id.test': ({ raw, reply }) => {
        const packet = reply({ answers: [{ type: 'A', name: 'wrong-id.test', data: '127.0.0.1' }] })
        packet.writeUInt16BE((packet.readUInt16BE(0) + 1) & 0xffff)
        raw(packet)
      },
      'garbage.test': ({ raw, packet }) => {
        raw(
          Buffer.concat([
            packet.subarray(0, 2),
            Buffer.from('81800001ffff0000ffff', 'hex'),
            Buffer.alloc(60, 0xc0),
          ]),
        )
      },
      'huge.test': ({ answer }) =>
        answer(Array.from({ length: 80 }, (_, each) => `10.0.0.${each}`).concat('127.0.0.2')),
      'nothing.test': ({ answer }) => answer([]),
    })
    setting = new Setting({ hosts: { 'control.test': ['127.0.0.1'] }, resolvers: [await resolver.start()] })
    host = await setting.server((socket) => socket.end('reached'))
    setting.onClose(() => resolver.close())
  })
  after(() => setting.close())

  const ask = (name: string, more = {}) =>
    setting.during(
      planOf([rule(name, { [host.port]: 'tcp' }, more)], { timeouts: { connectMs: 1200 } }),
      () => talk(setting.job, { host: name, port: host.port }, []),
    )

  for (const [address, verdict] of Object.entries(FORBIDDEN))
    test(`${address} is not dialled (${verdict})`, async () => {
      answers = [address]
      const heard = host.connections
      const { attempts, value } = await ask('any.test', { private: [] })
      assert.equal(value.end, 'reset')
      assert.deepEqual(summary(attempts), [`tcp any.test ${verdict}`])
      assert.equal(host.connections, heard)
    })

  test('an own address of this host is not dialled by a wide private block', async (t) => {
    const { networkInterfaces } = await import('node:os')
    const own = Object.values(networkInterfaces())
      .flat()
      .find((each) => each && !each.internal && each.family === 'IPv4')
    if (own === undefined) return t.skip('this host has no address but its loopback')
    if (classifyAddress(own.address, ['0.0.0.0/0'], []).verdict !== 'allow')
      return t.skip(`this host's own address, ${own.address}, is one that nothing opens anyway`)
    const decoy = await setting.server((socket) => socket.end('decoy'), host.port, own.address)
    answers = [own.address]
    const { attempts } = await ask('any.test', { private: [`${own.address.split('.')[0]}.0.0.0/8`] })
    assert.equal(find(attempts, 'denyOwnAddress')?.address, own.address)
    assert.equal(decoy.connections, 0)
    const control = await ask('any.test', { private: [`${own.address}/32`] })
    assert.equal(control.value.received, 'decoy')
  })

  test('a name that moves between two lookups leads where it was checked, or nowhere', async () => {
    const decoy = await setting.server((socket) => socket.end('decoy'), host.port, '127.0.0.2')
    const first = await ask('rebinding.test')
    assert.equal(first.value.received, 'reached')
    const second = await ask('rebinding.test')
    assert.equal(second.value.received, '')
    assert.equal(find(second.attempts, 'denyLoopback')?.address, '127.0.0.2')
    assert.equal(decoy.connections, 0)
    const control = await ask('rebinding.test', { private: ['127.0.0.2/32'] })
    assert.equal(control.value.received, 'decoy')
  })

  test('of a mixed answer only the good address is dialled, and the bad ones are on record', async () => {
    const { attempts, value } = await ask('mixed.test')
    assert.equal(value.received, 'reached')
    assert.deepEqual(attempts.map(({ address, verdict }) => `${address} ${verdict}`).sort(), [
      '10.0.0.1 denyPrivate',
      '127.0.0.1 allow',
      '127.0.0.2 denyLoopback',
      '169.254.169.254 denyMetadata',
    ])
  })

  test('a CNAME lends its target no rights: what counts is the address', async () => {
    const { attempts, value } = await ask('chain.test')
    assert.equal(value.received, '')
    assert.deepEqual(summary(attempts), ['tcp chain.test denyLoopback'])
  })

  for (const name of ['silent.test', 'wrong-id.test', 'garbage.test', 'nothing.test', 'unknown.test'])
    test(`a resolver that lies or says nothing opens nothing: ${name}`, async () => {
      const heard = host.connections
      const { attempts, value } = await ask(name)
      assert.equal(value.end, 'reset')
      const [attempt] = attempts
      assert.equal(attempt?.verdict, 'denyUnresolved')
      assert.ok(attempt?.problem, 'why it could not be looked up')
      assert.equal(host.connections, heard)
    })

  test('a huge answer is looked at in part, and none of it is dialled', async () => {
    const { attempts, value } = await ask('huge.test', { private: [] })
    assert.equal(value.received, '')
    assert.ok(attempts.length > 0 && attempts.every(({ verdict }) => verdict.startsWith('deny')))
  })

  test('a refused name, port or address is never looked up', async () => {
    const asked = resolver.asked.length
    const { attempts } = await setting.during(
      planOf([rule('control.test', { [host.port]: 'tcp' })]),
      async () => {
        await setting.job.run(['curl', '-s', '-m', '3', `http://leak.any.test:${host.port}/`])
        await talk(setting.job, { host: '203.0.113.5', port: host.port }, [])
        await talk(setting.job, { host: '198.18.77.7', port: host.port }, [])
        await talk(setting.job, { host: '169.254.169.254', port: host.port }, [])
      },
    )
    assert.deepEqual(summary(attempts).sort(), [
      'dns leak.any.test denyName',
      'tcp 169.254.169.254 denyMetadata',
      'tcp 198.18.77.7 denyUnknownName',
      'tcp 203.0.113.5 denyReserved',
    ])
    assert.equal(resolver.asked.length, asked)
  })

  test('a resolver that is no address opens nothing, and ends nothing but the attempt', async () => {
    const other = new Setting({ resolvers: ['no address'] })
    try {
      const plan = planOf([rule('any.test', { [host.port]: 'tcp' })])
      for (const _ of [1, 2]) {
        const { attempts } = await other.during(plan, () =>
          talk(other.job, { host: 'any.test', port: host.port }, []),
        )
        assert.deepEqual(
          attempts.map(({ verdict, problem }) => [verdict, problem]),
          [['denyUnresolved', 'EBADSERVER']],
        )
      }
    } finally {
      await other.close()
    }
  })

  test('control: the decoy’s own address answers whoever dials it directly', async () => {
    await new Promise((resolve, reject) => {
      connect(host.port, '127.0.0.1').on('data', resolve).on('error', reject)
    })
  })
})
