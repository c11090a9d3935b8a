/**
 * What answers in the place of an engine, on its socket, and wants to exhaust or confuse whoever asks: each is one clear error in bounded
 * time and memory, and nothing is thrown that is no EngineError.
 */
import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { CONTAINER, IMAGE, parsed } from '../../../src/boundary/docker/answers.js'
import { EngineError } from '../../../src/boundary/docker/problems.js'
import { requireOurs } from '../../../src/boundary/docker/root-image.js'
import { MAX_ANSWER, Transport } from '../../../src/boundary/docker/transport.js'
import { listTree } from '../../../src/boundary/docker/tree.js'
import { LaunchError } from '../../../src/errors/index.js'
import { sharedFolder } from '../../support/checkout.js'

/** `answer`: of whoever connects. */
async function asked(answer: (to: Socket) => void, timeoutMs = 60_000) {
  const folder = sharedFolder()
  const path = join(folder, 'engine.sock')
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => answer(socket))
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  try {
    return await new Transport(path).whole({ method: 'GET', path: '/info', timeoutMs })
  } finally {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
    rmSync(folder, { recursive: true, force: true })
  }
}

/** As long as it is taken. */
function flood(socket: Socket, chunk: string): void {
  while (socket.writable && socket.write(chunk));
  socket.once('drain', () => flood(socket, chunk))
}

const HEAD = 'HTTP/1.1 200 OK\r\n'

describe('an answer on the engine’s socket', () => {
  test('control: one that is sound is read', async () => {
    const { bytes } = await asked((to) => to.end(`${HEAD}Content-Length: 2\r\n\r\n{}`))
    assert.equal(bytes.toString(), '{}')
  })

  for (const [what, answer, said] of [
    [
      'a chunked body without end',
      (to: Socket) => {
        to.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`)
        flood(to, `10000\r\n${'x'.repeat(0x10000)}\r\n`)
      },
      new RegExp(`longer than ${MAX_ANSWER} bytes`),
    ],
    [
      'a body without end and without a length',
      (to: Socket) => {
        to.write(`${HEAD}\r\n`)
        flood(to, 'x'.repeat(0x10000))
      },
      new RegExp(`longer than ${MAX_ANSWER} bytes`),
    ],
    [
      'headers without end',
      (to: Socket) => {
        to.write(HEAD)
        flood(to, `X-More: ${'x'.repeat(1000)}\r\n`)
      },
      /does not speak HTTP/,
    ],
    [
      'an error whose sentence has no end',
      (to: Socket) => {
        to.write('HTTP/1.1 500 No\r\n\r\n')
        flood(to, 'x'.repeat(0x10000))
      },
      /longer than 65536 bytes/,
    ],
    [
      'two lengths',
      (to: Socket) => to.end(`${HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`),
      /HTTP/,
    ],
    [
      'a connection that is taken over',
      (to: Socket) => to.end('HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n'),
      /taken over/,
    ],
    [
      'an end in the middle',
      (to: Socket) => to.end(`${HEAD}Content-Length: 20\r\n\r\n{`),
      /ended the connection/,
    ],
  ] as const)
    test(`${what} is one error`, async () => {
      await assert.rejects(asked(answer), (error: Error) => {
        assert.ok(error instanceof EngineError, String(error))
        assert.match(error.message, said)
        return true
      })
    })

  for (const [what, dribble] of [
    ['answers one header after the other, and never all', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['never answers', ''],
  ] as const)
    test(`what ${what} is given up after its time`, async () => {
      await assert.rejects(
        asked((to) => {
          const timer = setInterval(() => to.write(dribble), 10)
          to.on('close', () => clearInterval(timer))
        }, 300),
        (error: Error) => error instanceof EngineError && error.code === 'docker.timeout',
      )
    })
})

describe('JSON of an engine', () => {
  const image = (volumes: string) =>
    `{"Id":"${'a'.repeat(64)}","RootFS":{"Layers":["sha256:x"]},"Config":{"Volumes":{"v":${volumes}}}}`
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`

  test('nested deeper than anybody’s stack is refused before anybody looks into it', () => {
    for (const depth of [1_000, 1_000_000])
      assert.throws(
        () => parsed(IMAGE, Buffer.from(image(nested(depth))), 'GET /images'),
        (error: Error) => error instanceof EngineError && /nested deeper than 64/.test(error.message),
      )
  })

  test('control: some levels are as engines have them, and looked into', () => {
    const found = parsed(IMAGE, Buffer.from(image(nested(10))), 'GET /images')
    assert.throws(() => requireOurs(found, { sha256: 'x', tar: new Uint8Array() }), EngineError)
    assert.throws(() => parsed(CONTAINER, Buffer.from('[]'), 'GET /containers'), EngineError)
  })
})

describe('a tree whose entries are shown one by one', () => {
  test('with more than there can be mounts is refused in a sentence; a file has whatever name it has', (t) => {
    const root = sharedFolder()
    t.after(() => rmSync(root, { recursive: true, force: true }))
    mkdirSync(join(root, '__proto__'))
    writeFileSync(join(root, 'constructor'), '')
    const { '/': entries = {} } = listTree(root, ['/'])
    assert.deepEqual(Object.entries(entries).sort(), [
      ['__proto__', 'directory'],
      ['constructor', 'file'],
    ])
    for (let i = 0; i < 4096; i++) writeFileSync(join(root, `${i}`), '')
    assert.throws(
      () => listTree(root, ['/']),
      (error: Error) =>
        error instanceof LaunchError && /has more than 4096 entries beside/.test(error.message),
    )
  })
})
