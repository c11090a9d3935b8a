/** Weight: of bytes, of connections, of questions. One sandbox's is never another's. */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { NO_NAMESPACE } from './namespace.js'
import { find, line, planOf, rule, Setting, talk } from './setting.js'

describe('budgets and time limits', { skip: NO_NAMESPACE }, () => {
  const setting = new Setting({ hosts: { 'good.test': ['127.0.0.1'] } })
  const { job } = setting
  after(() => setting.close())

  const sink = () =>
    setting.server((socket) => {
      socket.resume()
      socket.on('end', () => socket.end('thanks'))
    })

  test('no byte beyond `maxUpload` of a rule, or of the sandbox, reaches the host', async () => {
    for (const over of ['rule', 'sandbox']) {
      let heard = 0
      const host = await setting.server((socket) => socket.on('data', (chunk) => (heard += chunk.length)))
      const budget = { maxUploadBytes: 100_000 }
      const one = rule(
        'good.test',
        { [host.port]: 'tcp' },
        over === 'rule' ? { budget: { ...NONE, ...budget } } : {},
      )
      const { attempts, value } = await setting.during(planOf([one], over === 'rule' ? {} : { budget }), () =>
        talk(
          job,
          { host: 'good.test', port: host.port },
          Array.from({ length: 50 }, () => line('x'.repeat(10_000), 2)),
        ),
      )
      assert.equal(value.end, 'reset')
      assert.ok(find(attempts, 'denyBudget'))
      assert.ok(heard <= 100_000, `${heard}`)
      assert.ok((find(attempts, 'denyBudget')?.sentBytes ?? Number.POSITIVE_INFINITY) <= 100_000)
    }
  })

  test('connections at once, and new ones a second, are bounded; what is over is reset and on record', async () => {
    const host = await setting.server((socket) => socket.resume())
    const open = (count: number) =>
      job.evaluate(
        async (require, port, count) => {
          const { connect } = require('node:net') as typeof import('node:net')
          let reset = 0
          const sockets = Array.from({ length: count }, () => {
            const socket = connect(port, '127.0.0.1')
            socket.on('error', () => {
              reset += 1
            })
            return socket
          })
          await new Promise((resolve) => setTimeout(resolve, 600))
          for (const socket of sockets) socket.destroy()
          return reset
        },
        host.port,
        count,
      )
    const literal = rule('x', { [host.port]: 'tcp' }, { host: { kind: 'address', address: '127.0.0.1' } })
    const few = await setting.during(planOf([literal], { budget: { maxConnections: 5 } }), () => open(12))
    assert.ok(find(few.attempts, 'denyBudget'))
    const slow = await setting.during(planOf([literal], { budget: { maxRate: 4 } }), () => open(12))
    assert.equal(find(slow.attempts, 'denyBudget')?.count, 8)
  })

  test('a connection on which nothing moves is reset after `timeouts.idle`; one that moves lives', async () => {
    const host = await setting.server((socket) => socket.pipe(socket))
    const plan = planOf([rule('good.test', { [host.port]: 'tcp' })], { timeouts: { idleMs: 300 } })
    const { attempts, value } = await setting.during(plan, async () => [
      await talk(job, { host: 'good.test', port: host.port }, [line('hello')]),
      await talk(
        job,
        { host: 'good.test', port: host.port },
        Array.from({ length: 8 }, () => line('x', 150)),
        { end: true },
      ),
    ])
    assert.deepEqual(
      value.map(({ end, received }) => [end, received]),
      [
        ['reset', 'hello'],
        ['closed', 'xxxxxxxx'],
      ],
    )
    assert.equal(find(attempts, 'denyTimeout')?.count, 1)
  })

  test('a host that does not answer, or refuses, is told apart in the record; the job hears a reset', async () => {
    const gone = await sink()
    gone.server.close()
    const plan = planOf([rule('good.test', { [gone.port]: 'tcp' })])
    const { attempts, value } = await setting.during(plan, () =>
      talk(job, { host: 'good.test', port: gone.port }, []),
    )
    assert.equal(value.end, 'reset')
    assert.deepEqual(
      attempts.map(({ verdict, problem }) => [verdict, problem]),
      [['allow', 'ECONNREFUSED']],
    )
  })

  test('one sandbox knows nothing of another: neither its names, its addresses nor its budget', async () => {
    const host = await sink()
    const mine = planOf([rule('good.test', { [host.port]: 'tcp' })])
    const first = await setting.attach(mine)
    const looked = await job.run(['getent', 'ahosts', 'good.test'])
    const [address = ''] = looked.stdout.split(/\s/)
    assert.match(address, /^198\.1[89]\./)
    const used = await talk(job, { host: address, port: host.port }, [], { end: true })
    assert.equal(used.received, 'thanks')
    await first.end()
    const { attempts, value } = await setting.during(mine, () =>
      talk(job, { host: address, port: host.port }, []),
    )
    assert.equal(value.end, 'reset')
    assert.ok(find(attempts, 'denyUnknownName'))
  })

  test('a slow reader makes the host wait: what it does not read is not kept in the gateway', async () => {
    let written = 0
    const host = await setting.server((socket) => {
      const more = () => {
        while (socket.writable && written < 256 << 20) {
          written += 65536
          if (!socket.write(Buffer.alloc(65536))) return
        }
      }
      socket.on('drain', more)
      more()
    })
    await setting.during(planOf([rule('good.test', { [host.port]: 'tcp' })]), () =>
      job.evaluate(async (require, port) => {
        const { connect } = require('node:net') as typeof import('node:net')
        const socket = connect(port, 'good.test')
        socket.on('error', () => {})
        socket.pause()
        await new Promise((resolve) => setTimeout(resolve, 800))
        socket.destroy()
      }, host.port),
    )
    assert.ok(written < 64 << 20, `${written} bytes were taken from the host for a reader that read none`)
  })
})

const NONE = { maxUploadBytes: null, maxDownloadBytes: null, maxConnections: null, maxRate: null }
