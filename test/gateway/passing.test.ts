/** What a rule allows gets through unmodified programs, without a variable or a certificate of ours. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { createServer as createHttp } from 'node:http'
import { after, describe, test } from 'node:test'
import { createServer as createTls } from 'node:tls'
import { NO_NAMESPACE } from './namespace.js'
import { certificate, planOf, rule, Setting, summary } from './setting.js'

describe('through the gateway', { skip: NO_NAMESPACE }, () => {
  const setting = new Setting({ hosts: { 'good.test': ['127.0.0.1'], 'six.test': ['::1'] } })
  after(() => setting.close())
  const { job } = setting

  test('curl, openssl, Python and Node speak TLS with the host that the rule names, end to end', async () => {
    const { key, cert, file } = certificate('good.test')
    const host = await setting.serve(
      createTls({ key, cert }, (socket) => {
        socket.on('error', () => {})
        socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\n\r\nover tls'))
      }),
    )
    const { port } = host
    const url = `https://good.test:${port}/`
    const { attempts, value } = await setting.during(planOf([rule('good.test', { [port]: 'tls' })]), () =>
      Promise.all([
        job.run(['curl', '-sS', '--cacert', file, url]),
        job.run(
          [
            'openssl',
            's_client',
            '-quiet',
            '-CAfile',
            file,
            '-verify_return_error',
            '-connect',
            `good.test:${port}`,
            '-servername',
            'good.test',
          ],
          'GET / HTTP/1.0\r\n\r\n',
        ),
        job.run([
          'python3',
          '-c',
          `import ssl,urllib.request as u;print(u.urlopen('${url}',context=ssl.create_default_context(cafile='${file}')).read().decode())`,
        ]),
        job.run([
          process.execPath,
          '-e',
          `require('https').get('${url}',{ca:require('fs').readFileSync('${file}')},(r)=>r.pipe(process.stdout))`,
        ]),
      ]),
    )
    for (const { stdout, stderr } of value) assert.match(stdout, /over tls/, stderr)
    assert.deepEqual(summary(attempts), ['tls good.test allow'])
    assert.equal(attempts[0]?.count, 4)
    assert.equal(attempts[0]?.address, '127.0.0.1')
    assert.ok((attempts[0]?.sentBytes ?? 0) > 1000 && (attempts[0]?.receivedBytes ?? 0) > 1000)
    assert.equal(host.connections, 4)
  })

  test('HTTP in the clear is answered, a body either way is whole, and the host sees the gateway’s words', async () => {
    const seen: string[][] = []
    const host = await setting.serve(
      createHttp((request, response) => {
        const hash = createHash('sha256')
        seen.push(request.rawHeaders)
        request.on('data', (chunk) => hash.update(chunk))
        request.on('end', () => response.end(`${request.method} ${request.url} ${hash.digest('hex')}`))
      }),
    )
    const body = randomBytes(300_000).toString('base64')
    const sum = createHash('sha256').update(body).digest('hex')
    const url = `http://good.test:${host.port}`
    const { attempts, value } = await setting.during(
      planOf([rule('good.test', { [host.port]: 'http' })]),
      async () => [
        await job.run([
          'curl',
          '-sS',
          '-H',
          'X-Own: yes',
          '-H',
          'Connection: X-Hop',
          '-H',
          'X-Hop: no',
          `${url}/a?b=c`,
        ]),
        await job.run(['curl', '-sS', '--data-binary', '@-', `${url}/up`], body),
        await job.run(
          ['curl', '-sS', '-H', 'Transfer-Encoding: chunked', '--data-binary', '@-', `${url}/up`],
          body,
        ),
        await job.run(
          ['curl', '-sS', '-H', 'Expect: 100-continue', '--data-binary', '@-', `${url}/up`],
          body,
        ),
        await job.run(['curl', '-sS', '--http2', `${url}/h2c`]),
        await job.run([
          'python3',
          '-c',
          `import urllib.request as u;print(u.urlopen('${url}/py').read().decode())`,
        ]),
        await job.run(['curl', '-sS', `${url}/1`, `${url}/2`, `${url}/3`]),
        await job.run(['curl', '-sS', '-I', `${url}/head`]),
      ],
    )
    const out = value.map(({ stdout, stderr }) => stdout || stderr)
    const empty = createHash('sha256').digest('hex')
    assert.equal(out[0], `GET /a?b=c ${empty}`)
    for (const answer of out.slice(1, 4)) assert.equal(answer, `POST /up ${sum}`)
    assert.equal(out[4], `GET /h2c ${empty}`)
    assert.equal(out[5], `GET /py ${empty}\n`)
    assert.equal(out[6], [1, 2, 3].map((each) => `GET /${each} ${empty}`).join(''))
    assert.match(out[7] ?? '', /^HTTP\/1.1 200 OK/)
    const first = seen[0]?.map((word) => word.toLowerCase()) ?? []
    assert.ok(first.includes('x-own') && !first.includes('x-hop'), first.join())
    assert.ok(
      attempts.every(({ verdict, problem }) => verdict === 'allow' && problem === undefined),
      JSON.stringify(attempts),
    )
    assert.deepEqual(
      attempts.filter(({ path }) => path === '/up').map(({ method, count }) => [method, count]),
      [['POST', 3]],
    )
  })

  test('other TCP passes as it comes: both ways at once, half-closed, megabytes whole', async () => {
    const host = await setting.server((socket) => socket.pipe(socket))
    const { attempts, value } = await setting.during(
      planOf([rule('good.test', { [host.port]: 'tcp' })]),
      () =>
        job.evaluate(async (require, port) => {
          const { connect } = require('node:net') as typeof import('node:net')
          const { createHash, randomBytes } = require('node:crypto') as typeof import('node:crypto')
          const bytes = randomBytes(16 << 20)
          const back = createHash('sha256')
          await new Promise((resolve, reject) => {
            const socket = connect({ host: 'good.test', port, allowHalfOpen: true })
            socket.on('error', reject)
            socket.on('data', (chunk) => back.update(chunk))
            socket.on('end', resolve)
            socket.end(bytes)
          })
          return back.digest('hex') === createHash('sha256').update(bytes).digest('hex')
        }, host.port),
    )
    assert.equal(value, true)
    const [attempt] = attempts
    assert.equal(attempt?.verdict, 'allow')
    assert.equal(attempt?.sentBytes, 16 << 20)
    assert.equal(attempt?.receivedBytes, 16 << 20)
  })

  /** A buffer that is read into again too early shows as bytes of a later read, or of another connection, in an earlier one's place. */
  test('jobs that read late and slowly get every byte in its order, of large and small pieces, and nobody else’s', async () => {
    const sizes = [1, 100_000, 7, 300_000, 16_384, 20_000, 65_536, 3, 1 << 20]
    const sent: string[] = []
    const host = await setting.server((socket) => {
      const hash = createHash('sha256')
      for (let round = 0; round < 8; round++)
        for (const size of sizes) {
          const bytes = randomBytes(size)
          hash.update(bytes)
          socket.write(bytes)
        }
      sent.push(hash.digest('hex'))
      socket.end()
    })
    const { value } = await setting.during(planOf([rule('good.test', { [host.port]: 'tcp' })]), () =>
      job.evaluate(async (require, port) => {
        const { connect } = require('node:net') as typeof import('node:net')
        const { createHash } = require('node:crypto') as typeof import('node:crypto')
        const one = () =>
          new Promise<string>((resolve, reject) => {
            const hash = createHash('sha256')
            const socket = connect({ host: 'good.test', port })
            let reads = 0
            socket.pause()
            setTimeout(() => socket.resume(), 200)
            socket.on('data', (chunk) => {
              hash.update(chunk)
              reads += 1
              if (reads % 16 !== 0) return
              socket.pause()
              setTimeout(() => socket.resume(), 5)
            })
            socket.on('error', reject)
            socket.on('end', () => resolve(hash.digest('hex')))
          })
        const first = await Promise.all([one(), one(), one(), one()])
        return [...first, await one()]
      }, host.port),
    )
    assert.deepEqual(value.sort(), sent.sort())
  })

  test('a public port takes TLS and HTTP, whichever comes', async () => {
    const web = await setting.serve(createHttp((_request, response) => response.end('clear')))
    const { value, attempts } = await setting.during(
      planOf([rule('good.test', { [web.port]: 'web' })]),
      async () => [
        await job.run(['curl', '-sS', `http://good.test:${web.port}/`]),
        await job.run(['curl', '-sSk', '-m', '3', `https://good.test:${web.port}/`]),
      ],
    )
    assert.equal(value[0]?.stdout, 'clear')
    assert.deepEqual(summary(attempts), ['http good.test allow', 'tls good.test allow'])
  })

  test('a host that has only IPv6 is reached, whichever family the job speaks', async () => {
    const host = await setting.server((socket) => socket.end('six'), 0, '::1')
    const six = rule('six.test', { [host.port]: 'tcp' }, { private: ['::1/128'] })
    const read =
      'import socket,sys;s=socket.socket(getattr(socket,sys.argv[1]),1);s.connect((sys.argv[2],int(sys.argv[3])));print(s.recv(9).decode())'
    const { value, attempts } = await setting.during(planOf([six]), async () => [
      await job.run(['python3', '-c', read, 'AF_INET', 'six.test', `${host.port}`]),
      await job.run(['python3', '-c', read, 'AF_INET6', 'six.test', `${host.port}`]),
    ])
    assert.deepEqual(
      value.map(({ stdout }) => stdout),
      ['six\n', 'six\n'],
    )
    assert.deepEqual(
      attempts.map(({ address, count }) => [address, count]),
      [['::1', 2]],
    )
  })

  test('a WebSocket passes where the rule has `upgrade: true`, and nothing upgrades where it has not', async () => {
    const web = createHttp((_request, response) => response.end('no upgrade'))
    web.on('upgrade', (request, socket) => {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${request.headers['sec-websocket-key']}\r\n\r\n`,
      )
      socket.pipe(socket)
    })
    const { port } = await setting.serve(web)
    const ask = () =>
      job.evaluate(async (require, port) => {
        const { connect } = require('node:net') as typeof import('node:net')
        return new Promise<string>((resolve) => {
          let heard = ''
          const socket = connect(port, 'good.test')
          socket.write(
            'GET /ws HTTP/1.1\r\nHost: good.test:' +
              port +
              '\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: abc\r\n\r\n',
          )
          socket.on('data', (chunk) => {
            heard += chunk
            if (heard.includes('frames') || heard.includes('403')) socket.end()
            else if (heard.includes('101')) socket.write('frames')
          })
          socket.on('error', () => {})
          socket.on('close', () => resolve(heard))
          setTimeout(() => socket.destroy(), 2500)
        })
      }, port)
    const let_ = await setting.during(planOf([rule('good.test', { [port]: 'http' }, { upgrade: true })]), ask)
    assert.match(let_.value, /^HTTP\/1.1 101 [\s\S]*Sec-WebSocket-Accept: abc[\s\S]*frames$/)
    assert.equal(let_.attempts[0]?.verdict, 'allow')
    const not = await setting.during(planOf([rule('good.test', { [port]: 'http' })]), ask)
    assert.match(not.value, /^HTTP\/1.1 403 /)
    assert.equal(not.attempts[0]?.verdict, 'denyUpgrade')
  })
})
