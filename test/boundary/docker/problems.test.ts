/**
 * What is said when there is no engine, or something else in its place: one clear error each, in bounded time and memory. Behind the
 * socket stands a server of the test's own, since no real engine answers like this.
 */
import assert from 'node:assert/strict'
import { chmodSync, renameSync, symlinkSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSocket, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { Engine } from '../../../src/boundary/docker/engine.js'
import { EngineError } from '../../../src/boundary/docker/problems.js'
import { Transport } from '../../../src/boundary/docker/transport.js'
import { testFolder } from '../../support/checkout.js'
import { SUITE_IS_ROOT } from '../../support/users.js'

const VERSION = { Version: '28.2.2', ApiVersion: '1.50', MinAPIVersion: '1.24' }

async function serving(t: TestContext, answer: RequestListener, version: object = VERSION): Promise<string> {
  const socket = join(testFolder(t), 'socket')
  const server = createServer((request, response) => {
    if (request.url === '/_ping') response.setHeader('Api-Version', '1.50').end('OK')
    else if (request.url === '/version') response.end(JSON.stringify(version))
    else answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return socket
}

const refused = (code: string, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof EngineError, String(error))
  assert.equal(error.code, code)
  assert.match(error.message, words)
  assert.notEqual(error.advice, '')
  return true
}

describe('no engine', () => {
  test('no socket, and one at which nobody listens', async (t) => {
    const socket = join(testFolder(t), 'socket')
    await assert.rejects(
      Engine.at(socket),
      refused('docker.noEngine', /There is no Docker Engine at .*systemctl start docker/),
    )
    // as a killed dockerd leaves it
    const server = createSocket().listen(socket)
    await new Promise((resolve) => server.once('listening', resolve))
    const stale = join(socket, '..', 'stale')
    renameSync(socket, stale)
    await new Promise((resolve) => server.close(resolve))
    symlinkSync('stale', socket)
    await assert.rejects(Engine.at(socket), refused('docker.noEngine', /dockerd does not run/))
  })

  test('a user who may not', { skip: SUITE_IS_ROOT ? 'root may' : false }, async (t) => {
    const socket = await serving(t, () => {})
    chmodSync(socket, 0)
    await assert.rejects(Engine.at(socket), refused('docker.permission', /group docker/))
  })

  for (const [name, version, code, words] of [
    [
      'too old',
      { ...VERSION, ApiVersion: '1.40' },
      'docker.tooOld',
      /is too old: it speaks API 1\.40\. API 1\.41 is needed/,
    ],
    ['too new', { ...VERSION, MinAPIVersion: '2.0' }, 'docker.tooNew', /speaks API 2\.0 and newer/],
    ['no engine at all', { hello: 1 }, 'docker.answer', /answer to GET \/version can't be used: Version/],
  ] as const)
    test(name, async (t) => {
      const socket = await serving(t, () => {}, version)
      await assert.rejects(Engine.at(socket), refused(code, words))
    })

  test('a newer engine is spoken to as we can, an older one as it can', async (t) => {
    const asked: (string | undefined)[] = []
    const answer: RequestListener = (request, response) => {
      asked.push(request.url)
      response.end(JSON.stringify(VERSION))
    }
    for (const ApiVersion of ['1.41', '1.99'])
      await (await Engine.at(await serving(t, answer, { ...VERSION, ApiVersion }))).version()
    assert.deepEqual(asked, ['/v1.41/version', '/v1.51/version'])
  })

  test('something that does not speak HTTP', async (t) => {
    const socket = join(testFolder(t), 'socket')
    const server = createSocket((peer) => peer.on('error', () => {}).end('SSH-2.0-hello\r\n')).listen(socket)
    t.after(() => server.close())
    await new Promise((resolve) => server.once('listening', resolve))
    await assert.rejects(Engine.at(socket), refused('docker.answer', /does not speak HTTP/))
  })
})

describe('a wrong answer', () => {
  const cases: readonly (readonly [string, RequestListener, string, RegExp])[] = [
    [
      'no JSON',
      (_, response) => response.end('<html>'),
      'docker.answer',
      /answer to GET \/info can't be used: it is no JSON/,
    ],
    [
      'another type where one is needed',
      (_, response) => response.end('{"SecurityOptions": "all"}'),
      'docker.answer',
      /can't be used: SecurityOptions: /,
    ],
    [
      'without an end',
      (_, response) => {
        const more = () => {
          while (response.write(Buffer.alloc(1024 ** 2)));
        }
        response.on('drain', more)
        more()
      },
      'docker.answer',
      /longer than 4194304 bytes/,
    ],
    [
      'cut off',
      (_, response) =>
        void response.writeHead(200, { 'Content-Length': 9 }).write('{', () => response.destroy()),
      'docker.lost',
      /ended the connection at GET \/info/,
    ],
    ['none', (_, response) => void response.destroy(), 'docker.lost', /ended the connection at GET \/info/],
    [
      "an error, in the engine's own words",
      (_, response) => response.writeHead(500).end('{"message":"disk\\u001b[2J full\\n"}'),
      'docker.refused',
      /refused GET \/info \(500\): disk\\u\{1b\}\[2J full\./,
    ],
    [
      'forbidden by a plugin',
      (_, response) => response.writeHead(403).end('{"message":"no"}'),
      'docker.permission',
      /does not allow GET \/info/,
    ],
    [
      'a connection taken over',
      (request) =>
        void request.socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n'),
      'docker.answer',
      /taken over/,
    ],
  ]
  for (const [name, answer, code, words] of cases)
    test(name, async (t) => {
      const engine = await Engine.at(await serving(t, answer))
      await assert.rejects(engine.info(), refused(code, words))
    })

  test('one that never comes is given up, and one that is not wanted any more at once', async (t) => {
    const socket = await serving(t, () => {})
    const late = new Transport(socket).whole({ method: 'GET', path: '/v1.41/info', timeoutMs: 100 })
    await assert.rejects(late, refused('docker.timeout', /did not answer GET \/info within 0\.1 s/))
    const engine = await Engine.at(socket)
    const abort = new AbortController()
    const waiting = engine.within(abort.signal).info()
    abort.abort(new Error('enough'))
    await assert.rejects(waiting, /enough/)
  })

  test('an attach that is none, and one whose frames are none', async (t) => {
    const socket = join(testFolder(t), 'socket')
    const server = createServer((request, response) => {
      if (request.url === '/_ping') response.setHeader('Api-Version', '1.50').end('OK')
      else if (request.url === '/version') response.end(JSON.stringify(VERSION))
      else response.end('hello')
    })
    await new Promise<void>((resolve) => server.listen(socket, resolve))
    t.after(() => server.close())
    const engine = await Engine.at(socket)
    await assert.rejects(engine.attach('a'), refused('docker.answer', /status 200 instead of 101/))
    server.on('upgrade', (_, peer: Socket) => {
      peer.on('error', () => {})
      peer.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nthis is no frame')
    })
    const { ended, stdout } = await engine.attach('a')
    stdout.resume()
    refused('docker.answer', /no frames of a container's streams/)(await ended)
  })
})
