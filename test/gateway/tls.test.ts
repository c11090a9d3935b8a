/** What is not a ClientHello for the name that was looked up does not reach the host. */
import assert from 'node:assert/strict'
import { createServer as createHttp } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { createServer as createTls } from 'node:tls'
import { NO_NAMESPACE } from './namespace.js'
import { certificate, find, type Heard, line, planOf, rule, Setting, talk } from './setting.js'

describe('a TLS port', { skip: NO_NAMESPACE }, () => {
  const setting = new Setting({ hosts: { 'good.test': ['127.0.0.1'], 'other.test': ['127.0.0.1'] } })
  const { job } = setting
  let host: Heard
  let hello: Buffer

  before(async () => {
    const { key, cert } = certificate('good.test')
    host = await setting.serve(createTls({ key, cert }, (socket) => socket.end('secret')))
    hello = await helloFor('good.test')
  })
  after(() => setting.close())

  /** The ClientHello that openssl would send. */
  async function helloFor(name: string | null): Promise<Buffer> {
    const heard: Buffer[] = []
    const ear = await setting.server((socket) => {
      socket.on('data', (chunk) => {
        heard.push(chunk)
        socket.destroy()
      })
    })
    const { finished } = await import('../support/spawned.js')
    const server = name === null ? ['-noservername'] : ['-servername', name]
    await finished(['openssl', 's_client', '-connect', `127.0.0.1:${ear.port}`, ...server])
    return Buffer.concat(heard)
  }

  const asking = (lines: Parameters<typeof talk>[2], more: Parameters<typeof planOf>[1] = {}) =>
    setting.during(planOf([rule('good.test', { [host.port]: 'tls' })], more), () =>
      talk(job, { host: 'good.test', port: host.port }, lines, { waitMs: 1500 }),
    )

  test('control: a ClientHello for the name gets the host’s answer, in one piece and byte by byte', async () => {
    for (const lines of [[line(hello)], [...hello].map((byte) => line(Uint8Array.of(byte)))]) {
      const heard = host.connections
      const { value } = await asking(lines)
      assert.equal(value.received.charCodeAt(0), 22, `a ServerHello, not ${value.end}`)
      assert.equal(host.connections, heard + 1)
    }
  })

  const refused: Readonly<Record<string, () => Promise<readonly [ReturnType<typeof line>[], string]>>> = {
    'another name': async () => [[line(await helloFor('other.test'))], 'denyServerName'],
    'no name': async () => [[line(await helloFor(null))], 'denyNoServerName'],
    'a name below': async () => [[line(await helloFor('x.good.test'))], 'denyServerName'],
    'HTTP in the clear': async () => [[line('GET / HTTP/1.1\r\nHost: good.test\r\n\r\n')], 'denyProtocol'],
    'an SSH greeting': async () => [[line('SSH-2.0-OpenSSH_9.2\r\n')], 'denyProtocol'],
    'a record that is cut': async () => [
      [line(hello.subarray(0, 60)), line('x'.repeat(600))],
      'denyProtocol',
    ],
    'a record of 16 MiB in its length': async () => [
      [line(Buffer.from('160301ffff01ffffff', 'hex'))],
      'denyProtocol',
    ],
  }
  for (const [what, make] of Object.entries(refused))
    test(`${what} is refused by a reset, and the host hears nothing`, async () => {
      const [lines, verdict] = await make()
      const heard = host.connections
      const { attempts, value } = await asking(lines)
      assert.equal(value.end, 'reset')
      assert.equal(value.received, '')
      assert.ok(find(attempts, verdict), JSON.stringify(attempts))
      assert.equal(host.connections, heard)
    })

  test('a job that trickles its ClientHello, or says nothing, has `timeouts.head` for all of it', async () => {
    const heard = host.connections
    for (const lines of [[], [...hello].slice(0, 40).map((byte) => line(Uint8Array.of(byte), 50))]) {
      const { attempts, value } = await asking(lines, { timeouts: { headMs: 400 } })
      assert.equal(value.end, 'reset')
      assert.ok(find(attempts, 'denyTimeout'), JSON.stringify(attempts))
    }
    assert.equal(host.connections, heard)
  })

  test('what follows the ClientHello reaches the host unread, in its order', async () => {
    const got: Buffer[] = []
    const ear = await setting.server((socket) => {
      socket.on('data', (chunk) => got.push(chunk))
      socket.on('end', () => socket.end())
    })
    const tail = Buffer.alloc(100_000, 'after the hello ')
    await setting.during(planOf([rule('good.test', { [ear.port]: 'tls' })]), () =>
      talk(job, { host: 'good.test', port: ear.port }, [line(Buffer.concat([hello, tail]))], { end: true }),
    )
    assert.ok(Buffer.concat(got).equals(Buffer.concat([hello, tail])))
  })

  test('an allowed name is no way to another: the address that was looked up decides, not what is said in the clear', async () => {
    const web = await setting.serve(createHttp((request, response) => response.end(request.headers.host)))
    const plan = planOf([
      rule('good.test', { [web.port]: 'http' }),
      rule('other.test', { [host.port]: 'tls' }),
    ])
    const { attempts, value } = await setting.during(plan, () =>
      job.run(['curl', '-s', '-m', '3', '-H', 'Host: other.test', `http://good.test:${web.port}/`]),
    )
    assert.equal(value.stdout, '')
    assert.ok(find(attempts, 'denyHost'))
    assert.equal(web.connections, 0)
  })
})
