/** What a job tries against the values themselves: other lengths than it said, pieces, signatures of its own, and all at once. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { sign } from '../../src/credentials/index.js'
import { AWS, CredentialHost, holdsValue, OTHER_VALUE, type Said, VALUE } from './credential-tools.js'
import { TestAuthority } from './inspect-tools.js'
import { NO_NAMESPACE } from './namespace.js'
import { find } from './setting.js'

const host = new CredentialHost(new TestAuthority())
const { job } = host.setting
const SCOPE = { region: 'eu-west-1', service: 's3' }
const DATE = () => `${new Date().toISOString().slice(0, 19).replace(/[:-]/g, '')}Z`
const sha256 = (text: string) => createHash('sha256').update(text, 'latin1').digest('hex')

/** Whether a server that has the keys would believe the request. */
function isSigned({ method, url, headers, body }: Said, service: string): boolean {
  const [, names = ''] = /SignedHeaders=([^,]+)/.exec(`${headers.authorization}`) ?? []
  const [path = '', query = ''] = url.split('?')
  const payloadHash = `${headers['x-amz-content-sha256'] ?? sha256(body)}`
  const again = sign(
    {
      method,
      path,
      query: [...new URLSearchParams(query)],
      headers: names
        .split(';')
        .map((name) => [name, `${headers[name] ?? headers[`:${name === 'host' ? 'authority' : name}`]}`]),
      payloadHash,
    },
    { accessKeyId: AWS.accessKeyId, secretAccessKey: AWS.secret, sessionToken: AWS.sessionToken },
    { ...SCOPE, service },
    `${headers['x-amz-date']}`,
  )
  return again.authorization === headers.authorization
}

/** As an SDK signs, with keys that are worth nothing. */
const signedBy = (accessKeyId: string, service: string, more: Readonly<Record<string, string>>) => ({
  authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20300101/eu-west-1/${service}/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`,
  'x-amz-date': DATE(),
  ...more,
})

/** Says bytes over TLS, one piece after the other, and gives all that came until the end, or until it is quiet. */
const speak = (pieces: readonly string[], after = 20) =>
  job.evaluate(
    async (require, port, ca, pieces, after) => {
      const { connect } = require('node:tls') as typeof import('node:tls')
      const socket = connect({ host: 'good.test', port, servername: 'good.test', ca })
      let heard = ''
      let end = 'silent'
      socket.on('data', (chunk: Buffer) => {
        heard += chunk.toString('latin1')
      })
      socket.on('error', () => {})
      socket.on('close', () => {
        end = 'closed'
      })
      for (const piece of pieces) {
        if (socket.destroyed) break
        socket.write(Buffer.from(piece, 'latin1'))
        await new Promise((done) => setTimeout(done, after))
      }
      for (let quiet = 0; quiet < 400 && end === 'silent'; quiet += 50)
        await new Promise((done) => setTimeout(done, 50))
      socket.destroy()
      return { heard, end }
    },
    host.port,
    host.setting.authority,
    pieces,
    after,
  )

async function speaking(
  issues: Parameters<typeof host.asking>[1],
  pieces: () => readonly string[],
  after = 20,
) {
  host.said.length = 0
  host.heads = 0
  return host.setting.during(host.plan, () => speak(pieces(), after), issues)
}

const head = (line: string, ...headers: readonly string[]) =>
  [`${line} HTTP/1.1`, `Host: good.test:${host.port}`, ...headers, '', ''].join('\r\n')
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`

describe('hostile requests with credentials', { skip: NO_NAMESPACE }, () => {
  before(() => host.start())
  after(() => host.setting.close())

  const swapping = () =>
    host.issue(
      { use: { kind: 'placeholder', in: ['headers', 'body'] } },
      { kind: 'value', value: OTHER_VALUE },
    )

  test('requests ahead of their answers, with bodies of other lengths than they said, stay as many as they are', async () => {
    const issue = swapping()
    const body = `a=${issue.placeholder}`
    const smuggled = head('GET /smuggled')
    const { value } = await speaking([issue], () => [
      head('POST /one', `Content-Length: ${body.length}`) +
        body +
        head('POST /two', 'Transfer-Encoding: chunked') +
        chunk(`b=${issue.placeholder}`) +
        chunk(smuggled) +
        '0\r\nX-Trailer: y\r\n\r\n' +
        head('GET /three', 'Connection: close'),
    ])
    assert.deepEqual(
      host.said.map(({ method, url, body }) => [method, url, body]),
      [
        ['POST', '/one', `a=${OTHER_VALUE}`],
        ['POST', '/two', `b=${OTHER_VALUE}${smuggled}`],
        ['GET', '/three', ''],
      ],
    )
    assert.equal(value.heard.match(/HTTP\/1\.1 200 OK/g)?.length, 3)
  })

  test('a body that is shorter than it said reaches the host as none that is whole', async () => {
    const issue = swapping()
    await speaking([issue], () => [head('POST /short', 'Content-Length: 100') + issue.placeholder])
    assert.deepEqual(host.said, [])
  })

  test('a placeholder in pieces of one byte is swapped, and so is one in a body of 3 MiB, which goes in chunks', async () => {
    const issue = swapping()
    await speaking([issue], () => [head('POST /a', 'Content-Length: 41'), ...issue.placeholder], 2)
    assert.deepEqual(
      host.said.map(({ body }) => body),
      [OTHER_VALUE],
    )
    const large = 'x'.repeat(3 << 20)
    const { value } = await host.asking(
      'HTTP/1.1',
      [issue],
      [
        {
          method: 'POST',
          path: '/b',
          headers: { 'content-length': `${large.length + 41}` },
          body: large + issue.placeholder,
        },
      ],
    )
    assert.equal(value.answers[0]?.status, 200)
    assert.equal(host.said[0]?.body, large + OTHER_VALUE)
    assert.equal(host.said[0]?.headers['transfer-encoding'], 'chunked')
  })

  test('a request that is refused leaves the connection to the next one', async () => {
    const issue = host.issue()
    const { value } = await host.asking(
      'HTTP/1.1',
      [issue],
      [{ headers: { 'x-a': issue.placeholder } }, { path: '/next' }],
    )
    assert.deepEqual(
      value.answers.map(({ status }) => status),
      [403, 200],
    )
    assert.deepEqual(
      host.said.map(({ url }) => url),
      ['/next'],
    )
  })

  test('who waits for word that a body is wanted gets it, although the body is held', async () => {
    const issue = swapping()
    const { value } = await speaking([issue], () => [
      head('POST /a', 'Expect: 100-continue', 'Content-Length: 41', 'Connection: close'),
      issue.placeholder,
    ])
    assert.match(value.heard, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/)
    assert.equal(host.said[0]?.body, OTHER_VALUE)
  })

  test('an answer without a body keeps what its head says of one', async () => {
    const { value } = await host.asking('HTTP/1.1', [host.issue()], [{ method: 'HEAD', path: '/big' }])
    assert.equal(value.answers[0]?.status, 200)
    assert.equal(value.answers[0]?.error, '')
  })

  for (const version of ['HTTP/1.1', 'HTTP/2'] as const) {
    const aws = (service: string) =>
      host.issue({ name: 'AWS', use: { kind: 'aws-sigv4', ...SCOPE, service, presigned: false } }, AWS)

    test(`${version}: what the job signs with keys that are worth nothing goes out signed with the real ones`, async () => {
      const issue = aws('s3')
      const unsigned = signedBy(issue.placeholder, 's3', { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' })
      const hashed = signedBy(issue.placeholder, 's3', { 'x-amz-content-sha256': sha256('body') })
      const { value, attempts } = await host.asking(
        version,
        [issue],
        [
          { path: '/a?list=b%20c', headers: unsigned },
          { method: 'PUT', path: '/b', headers: hashed, body: 'body' },
        ],
      )
      assert.deepEqual(
        value.answers.map(({ status }) => status),
        [200, 200],
        JSON.stringify([attempts, value.answers]),
      )
      for (const said of host.said) assert.ok(isSigned(said, 's3'), JSON.stringify(said))
      assert.ok(host.said.every(({ headers }) => headers['accept-encoding'] === 'identity'))
      assert.equal(holdsValue(attempts, AWS.secret), false)
    })

    test(`${version}: a body whose hash the job does not say is held, hashed and signed, and no more of it than there is room for`, async () => {
      const issue = aws('dynamodb')
      const headers = signedBy(issue.placeholder, 'dynamodb', {
        'content-type': 'application/x-amz-json-1.0',
      })
      const { value, attempts } = await host.asking(
        version,
        [issue],
        [
          { method: 'POST', path: '/', headers, body: '{"a":1}' },
          { path: '/none', headers },
        ],
      )
      assert.deepEqual(
        value.answers.map(({ status }) => status),
        [200, 200],
        JSON.stringify([attempts, value.answers]).slice(0, 3000),
      )
      assert.equal(host.said.length, 2)
      for (const said of host.said) assert.ok(isSigned(said, 'dynamodb'), JSON.stringify(said))
      // by itself: a client of Node's takes nothing in beside so much that waits to go out
      const much = await host.asking(
        version,
        [issue],
        [{ method: 'POST', path: '/much', headers, body: 'x'.repeat((16 << 20) + 1) }],
      )
      assert.notEqual(much.value.answers[0]?.status, 200)
      assert.equal(host.said.length, 0)
      assert.match(find(much.attempts, 'denyBudget')?.hint ?? '', /too large to be signed/)
    })

    test(`${version}: signatures with other keys, for other services, in the URL, and chunks with padded sizes are refused`, async () => {
      const issue = aws('s3')
      const said = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }
      const streamed = { 'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' }
      const signature = `;chunk-signature=${'0'.repeat(64)}\r\n`
      const good = `4${signature}data\r\n0${signature}\r\n`
      // a size in more digits would come out shorter than the head says, and the host would wait for the rest in the next request
      const padded = `0004${signature}data\r\n0${signature}\r\n`
      const { value, attempts } = await host.asking(
        version,
        [issue],
        [
          { headers: signedBy('AKIASOMEBODYELSE0000', 's3', said) },
          { headers: signedBy(issue.placeholder, 'iam', said) },
          {
            path: `/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${issue.placeholder}%2F20300101%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Signature=${'0'.repeat(64)}`,
          },
          {
            method: 'PUT',
            path: '/padded',
            headers: { ...signedBy(issue.placeholder, 's3', streamed), 'content-length': `${padded.length}` },
            body: padded,
          },
          {
            method: 'PUT',
            path: '/good',
            headers: { ...signedBy(issue.placeholder, 's3', streamed), 'content-length': `${good.length}` },
            body: good,
          },
        ],
      )
      assert.equal(value.answers.at(-1)?.status, 200, JSON.stringify(attempts))
      assert.deepEqual(
        host.said.map(({ url }) => url),
        ['/good'],
      )
      assert.equal(host.said[0]?.body.length, good.length)
      assert.ok(!host.said[0]?.body.includes(signature))
      assert.ok(find(attempts, 'denySignature') && find(attempts, 'denyPresigned'))
    })

    test(`${version}: 8 MiB go each way, to and from a host that receives a credential`, async () => {
      const body = 'abcdefgh'.repeat(1 << 20)
      const { value } = await host.asking(
        version,
        [host.issue()],
        [{ method: 'POST', path: '/up', body }, { path: '/big' }],
      )
      assert.equal(host.said.find(({ url }) => url === '/up')?.body.length, body.length)
      assert.equal(value.answers[1]?.body.length, 8 << 20, value.answers[1]?.error)
    })
  }

  test('HTTP/2: a trailer with a placeholder is refused, and one of the host with the value does not come in', async () => {
    const issue = host.issue()
    const trailing = (path: string, trailers: Record<string, string>) =>
      host.setting.during(
        host.plan,
        () =>
          job.evaluate(
            async (require, port, ca, path, trailers) => {
              const { connect } = require('node:http2') as typeof import('node:http2')
              const session = connect(`https://good.test:${port}`, { ca })
              session.on('error', () => {})
              const stream = session.request({ ':method': 'POST', ':path': path }, { waitForTrailers: true })
              let heard = {}
              let [status, reset] = [0, '']
              stream.on('response', (fields) => {
                status = fields[':status'] ?? 0
              })
              stream.on('trailers', (fields) => {
                heard = { ...fields }
              })
              stream.on('error', (error) => {
                reset = error.message
              })
              stream.on('wantTrailers', () => stream.sendTrailers(trailers))
              stream.resume().end('message')
              await new Promise((done) => stream.once('close', done))
              session.destroy()
              return { status, reset, heard: JSON.stringify(heard) }
            },
            host.port,
            host.setting.authority,
            path,
            trailers,
          ),
        [issue],
      )
    host.said.length = 0
    const up = await trailing('/up', { 'x-checksum': issue.placeholder })
    assert.notEqual(up.value.status, 200)
    assert.deepEqual(host.said, [])
    assert.ok(find(up.attempts, 'denyCredentialElsewhere'))
    const control = await trailing('/up', { 'x-checksum': 'abc' })
    assert.equal(control.value.status, 200)
    const down = await trailing('/repeat/trailers', {})
    assert.ok(!down.value.heard.includes(VALUE), down.value.heard)
    assert.notEqual(down.value.reset, '')
    assert.ok(find(down.attempts, 'denyReflection'))
  })

  test('a value in a name that is looked up, whole or in labels and in small letters, stands in no record', async () => {
    const names = [`${VALUE}.evil.test`, `${VALUE.slice(0, 10)}.${VALUE.slice(10)}.evil.test`]
    const { attempts } = await host.setting.during(
      host.plan,
      () =>
        job.evaluate(async (require, names) => {
          const { resolve4 } = require('node:dns/promises') as typeof import('node:dns/promises')
          for (const name of names) await resolve4(name).catch(() => {})
        }, names),
      [host.issue()],
    )
    assert.equal(holdsValue(attempts), false)
    assert.ok(
      attempts.every(({ name, verdict }) => verdict !== 'denyName' || name === '[secret TOKEN]'),
      JSON.stringify(attempts),
    )
    assert.ok(find(attempts, 'denyName'))
    assert.ok(!JSON.stringify(attempts).includes(VALUE.slice(10).toLowerCase()))
  })
})
