/** A credential whose lease is over is refused at once: in the next request, and in whatever is under way with it. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { CredentialGrant } from '../../src/credentials/index.js'
import type { Attachment } from '../../src/gateway/index.js'
import { CredentialHost, holdsValue, OTHER_VALUE, VALUE, VERSIONS, type Version } from './credential-tools.js'
import { TestAuthority } from './inspect-tools.js'
import { NO_NAMESPACE } from './namespace.js'
import { find } from './setting.js'

const host = new CredentialHost(new TestAuthority())
const { job } = host.setting
const until = async (what: () => boolean) => {
  for (const end = Date.now() + 30_000; !what(); await new Promise((done) => setTimeout(done, 5)))
    if (Date.now() > end) throw new Error(`never came: ${what}`)
}

/** Time enough for a request to be on its way, however busy the machine is; ms. */
const SHORT_LEASE = 3000

/** An answer under way that carries a credential, while something happens; then another request. */
async function underWay(
  version: Version,
  more: Partial<CredentialGrant>,
  happens: (attachment: Attachment) => Promise<void> | void,
) {
  host.heads = 0
  const ends: string[] = []
  const ran = await host.setting.during(
    host.plan,
    async (attachment) => {
      attachment.onLeaseEnd = (name, by) => ends.push(`${name} ${by}`)
      const place = { port: host.port, ca: host.setting.authority }
      const slow = VERSIONS[version](job, place, [{ path: '/slow' }])
      await until(() => host.heads === 1)
      await happens(attachment)
      const [broken] = await slow
      const [next] = await VERSIONS[version](job, place, [{ path: '/next' }])
      return { broken, next }
    },
    [host.issue(more)],
  )
  return { ...ran, ends }
}

for (const version of ['HTTP/1.1', 'HTTP/2'] as const)
  describe(`leases over ${version}`, { skip: NO_NAMESPACE }, () => {
    before(() => host.host ?? host.start())

    test('time ends it: the answer under way breaks off, and the next request is refused', async () => {
      const { value, attempts, ends } = await underWay(version, { ttlMs: SHORT_LEASE }, () => {})
      assert.notEqual(value.broken?.error, '')
      assert.equal(value.next?.status, 403)
      assert.deepEqual(ends, ['TOKEN ttl'])
      const denied = attempts.filter(({ verdict }) => verdict === 'denyCredentialEnded')
      assert.deepEqual(denied.map(({ path }) => path).sort(), ['/next', '/slow'])
      assert.match(denied[0]?.hint ?? '', /raise `ttl`/)
    })

    test('revoking it does, and resolves when it has', async () => {
      const { value, attempts, ends } = await underWay(version, {}, (attachment) =>
        attachment.revoke('TOKEN'),
      )
      assert.notEqual(value.broken?.error, '')
      assert.equal(value.next?.status, 403)
      assert.deepEqual(ends, ['TOKEN revoked'])
      assert.equal(attempts.filter(({ verdict }) => verdict === 'denyCredentialEnded').length, 2)
    })

    test('its last use is let come to its end', async () => {
      host.heads = 0
      const { value } = await host.setting.during(
        host.plan,
        async (attachment) => {
          const place = { port: host.port, ca: host.setting.authority }
          const last = VERSIONS[version](job, place, [{ path: '/later' }])
          await until(() => host.heads === 1)
          const [refused] = await VERSIONS[version](job, place, [{ path: '/next' }])
          await until(() => attachment.leases[0]?.ended === 'uses')
          host.later(' and ended')
          return { refused, last: (await last)[0] }
        },
        [host.issue({ uses: 1 })],
      )
      assert.equal(value.refused?.status, 403)
      assert.deepEqual([value.last?.body, value.last?.error], ['begun and ended', ''])
    })

    test('so many uses are so many requests that carry it, over however many connections they come at once', async () => {
      const [connections, each, uses] = [8, 6, 12]
      host.said.length = 0
      const { value } = await host.setting.during(
        host.plan,
        async (attachment) => {
          const place = { port: host.port, ca: host.setting.authority }
          const asked = Array.from({ length: connections }, (_, connection) =>
            VERSIONS[version](
              job,
              place,
              Array.from({ length: each }, (_, at) => ({ path: `/${connection}/${at}` })),
            ),
          )
          return { answers: (await Promise.all(asked)).flat(), lease: attachment.leases[0] }
        },
        [host.issue({ uses })],
      )
      const count = (status: number) => value.answers.filter((answer) => answer.status === status).length
      assert.deepEqual([count(200), count(403)], [uses, connections * each - uses])
      assert.deepEqual(
        host.said.map(({ headers }) => headers.authorization),
        Array.from({ length: uses }, () => `Bearer ${VALUE}`),
      )
      assert.deepEqual([value.lease?.uses, value.lease?.ended], [uses, 'uses'])
    })

    test('the gateway’s own end does: what is under way breaks off, on both sides, and nothing can be asked', async () => {
      const { value, ends } = await underWay(version, {}, async () => {
        assert.ok(host.open > 0)
        await host.setting.gateway.close()
      }).finally(() => host.setting.again())
      assert.notEqual(value.broken?.error, '')
      assert.notEqual(value.next?.error, '')
      assert.deepEqual(ends, ['TOKEN gateway'])
      await until(() => host.open === 0)
    })

    test('the sandbox ends it', async () => {
      host.heads = 0
      const attachment = await host.setting.attach(host.plan, [], [host.issue()])
      const asking = VERSIONS[version](job, { port: host.port, ca: host.setting.authority }, [
        { path: '/slow' },
      ])
      await until(() => host.heads === 1)
      await attachment.end()
      assert.notEqual((await asking)[0]?.error, '')
      assert.deepEqual(
        attachment.leases.map(({ uses, ended }) => [uses, ended]),
        [[1, 'sandbox']],
      )
    })

    test('another value: it goes out from then on, the one before is refused, and an answer under way is held to both', async () => {
      host.heads = 0
      host.said.length = 0
      const { value, attempts } = await host.setting.during(
        host.plan,
        async (attachment) => {
          const place = { port: host.port, ca: host.setting.authority }
          const open = VERSIONS[version](job, place, [{ path: '/later' }])
          await until(() => host.heads === 1)
          attachment.renew('TOKEN', { kind: 'value', value: OTHER_VALUE }, null)
          await VERSIONS[version](job, place, [{ path: '/after' }])
          host.later(` ${OTHER_VALUE}`)
          const [late] = await open
          const [old] = await VERSIONS[version](job, place, [{ path: `/${VALUE}` }])
          return { late, old, lease: attachment.leases[0] }
        },
        [host.issue()],
      )
      assert.equal(
        host.said.find(({ url }) => url === '/after')?.headers.authorization,
        `Bearer ${OTHER_VALUE}`,
      )
      assert.notEqual(value.late?.error, '')
      assert.ok(find(attempts, 'denyReflection'))
      assert.equal(value.old?.status, 403)
      assert.ok(find(attempts, 'denySecret'))
      assert.equal(value.lease?.ended, null)
      assert.ok(!holdsValue(attempts) && !holdsValue(attempts, OTHER_VALUE))
    })

    test('a value that has expired is one whose lease has ended', async () => {
      const { value } = await host.asking(version, [{ ...host.issue(), livesMs: 0 }], [{}])
      assert.equal(value.answers[0]?.status, 403)
      assert.equal(value.attachment.leases[0]?.ended, 'expired')
    })
  })

describe('WebSockets with a credential', { skip: NO_NAMESPACE }, () => {
  before(() => host.host ?? host.start())
  after(() => host.setting.close())

  /** Says each of `lines` when there was an answer to the one before; what came, and how it ended. */
  const speak = (lines: readonly string[]) =>
    job.evaluate(
      async (require, port, ca, lines) => {
        const { request } = require('node:https') as typeof import('node:https')
        const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': 'x' }
        const asking = request({ host: 'good.test', port, ca, headers })
        asking.end()
        return new Promise<{ heard: string[]; end: string }>((resolve) => {
          const heard: string[] = []
          asking.on('response', (answer) => resolve({ heard, end: `${answer.statusCode}` }))
          asking.on('error', (error) => resolve({ heard, end: error.message }))
          asking.on('upgrade', (_answer, socket) => {
            const next = () => {
              const said = lines[heard.length]
              if (said !== undefined) socket.write(said)
            }
            socket.on('data', (chunk: Buffer) => {
              heard.push(`${chunk}`)
              next()
            })
            socket.on('error', () => {})
            socket.on('close', () => resolve({ heard, end: 'closed' }))
            next()
          })
        })
      },
      host.port,
      host.setting.authority,
      lines,
    )

  test('the value does not come in by what the host says; what ends like the beginning of one goes on at once', async () => {
    const { value, attempts } = await host.setting.during(
      host.plan,
      () => speak(['hello', 'ends with s', 'ends with &', 'token']),
      [host.issue()],
    )
    assert.deepEqual(value, { heard: ['hello', 'ends with s', 'ends with &'], end: 'closed' })
    assert.ok(find(attempts, 'denyReflection'), JSON.stringify(attempts))
    assert.equal(holdsValue(attempts), false)
  })

  test('the end of the lease closes it, on both sides', async () => {
    const { attempts, value } = await host.setting.during(
      host.plan,
      async (attachment) => {
        const speaking = speak(['hello'])
        await until(() => host.tunnels === 1)
        await attachment.revoke('TOKEN')
        const { end } = await speaking
        await until(() => host.tunnels === 0)
        return end
      },
      [host.issue()],
    )
    assert.equal(value, 'closed')
    assert.match(find(attempts, 'denyCredentialEnded')?.hint ?? '', /was revoked/)
  })
})
