/** Names over UDP and TCP, asked by what programs ask with. */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { RESOLVER } from '../../src/network/index.js'
import { NO_NAMESPACE } from './namespace.js'
import { find, line, planOf, rule, Setting, talk } from './setting.js'

describe('the resolver', { skip: NO_NAMESPACE }, () => {
  const setting = new Setting({ hosts: { 'good.test': ['127.0.0.1'] } })
  after(() => setting.close())
  const { job } = setting
  const plan = planOf([rule('good.test', { 443: 'tls' })])

  test('the C library and Node get an address for an allowed name, in both families, and none for another', async () => {
    const { attempts, value } = await setting.during(plan, async () => [
      await job.run(['getent', 'ahosts', 'good.test']),
      await job.run(['getent', 'ahosts', 'GOOD.test.']),
      await job.run(['getent', 'ahosts', 'bad.test']),
      await job.run([
        process.execPath,
        '-e',
        "require('dns').resolve4('good.test',(e,a)=>console.log(e?.code??a[0]))",
      ]),
      await job.run([
        process.execPath,
        '-e',
        "require('dns').resolveTxt('data.leaks.bad.test',(e,a)=>console.log(e?.code??a[0]))",
      ]),
    ])
    const [upper, lower, bad, node, txt] = value.map(({ stdout }) => stdout)
    assert.match(upper ?? '', /198\.18\.\d+\.\d+[\s\S]*fd67:6c6f:7665::/)
    assert.equal(lower, upper?.replaceAll('good.test', 'GOOD.test'), 'one address a name, in any spelling')
    assert.equal(bad, '')
    assert.match(node ?? '', /^198\.18\./)
    assert.equal(txt, 'ENOTFOUND\n')
    assert.deepEqual(
      attempts.map(({ name, verdict }) => `${name} ${verdict}`),
      ['bad.test denyName', 'data.leaks.bad.test denyName'],
    )
    assert.equal(attempts[0]?.hint, 'write `- bad.test` under network.allow')
  })

  test('the same by TCP, several questions on one connection, in pieces', async () => {
    const question = Buffer.from(
      '0010 1234 0100 0001 0000 0000 0000 04676f6f64 0474657374 00 0001 0001'.replaceAll(' ', ''),
      'hex',
    )
    question.writeUInt16BE(question.length - 2)
    const { value } = await setting.during(plan, () =>
      talk(
        job,
        { host: RESOLVER, port: 53 },
        [...question, ...question].map((byte) => line(Uint8Array.of(byte), 1)),
        { end: true },
      ),
    )
    assert.equal(value.end, 'closed')
    const [first = '', second] = [
      value.received.slice(0, value.received.length / 2),
      value.received.slice(value.received.length / 2),
    ]
    assert.equal(first, second, 'the same question has the same answer')
    assert.ok(first.includes('\x04good\x04test') && first.includes('\xc6\x12'), first)
  })

  test('a message that is too long, or none at all, ends the connection', async () => {
    const { attempts, value } = await setting.during(plan, () =>
      talk(job, { host: RESOLVER, port: 53 }, [
        line(Buffer.concat([Buffer.from('ffff', 'hex'), Buffer.alloc(70_000)])),
      ]),
    )
    assert.equal(value.end, 'reset')
    assert.ok(find(attempts, 'denyRequest'))
  })

  test('other ports of the resolver’s address are no way to anything', async () => {
    const { attempts, value } = await setting.during(plan, () => talk(job, { host: RESOLVER, port: 443 }, []))
    assert.equal(value.end, 'reset')
    assert.match(attempts[0]?.verdict ?? '', /^deny/)
  })
})
