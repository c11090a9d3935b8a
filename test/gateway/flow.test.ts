/**
 * The attack: a job sends one byte at a time to a host that does not read. A byte that waits costs the gateway's heap, which is
 * bounded and everybody's, some hundred more.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { flow } from '../../src/gateway/process/pour.js'

/** Two ends of a connection; the other one is not read. */
async function pair(t: TestContext): Promise<[Socket, Socket]> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [far] = (await once(server, 'connection')) as [Socket]
  t.after(() => {
    near.destroy()
    far.destroy()
    server.close()
  })
  return [near, far]
}

async function fill(to: Socket): Promise<void> {
  for (;;) {
    if (to.writableLength === 0) to.write(Buffer.alloc(4096))
    for (let turn = 0; turn < 20; turn++) await setImmediate()
    if (to.writableLength > 0) return
  }
}

test('bytes that come one by one wait in small number, and all arrive', async (t) => {
  const [[from], [to, slow]] = [await pair(t), await pair(t)]
  await fill(to)
  const before = to.bytesWritten
  let chunks = 0
  while (!from.isPaused() && chunks < 100_000) {
    flow(from, to, Buffer.from('a'))
    chunks += 1
  }
  assert.ok(chunks < 2000, `${chunks} chunks wait`)
  const resumed = once(from, 'resume')
  let heard = 0
  slow.on('data', (bytes: Buffer) => {
    heard += bytes.length
  })
  slow.resume()
  await resumed
  while (heard < before) await setImmediate()
  assert.equal(from.isPaused(), false)
})

test('control: whole chunks wait until there is enough of them', async (t) => {
  const [[from], [to]] = [await pair(t), await pair(t)]
  await fill(to)
  while (!from.isPaused()) flow(from, to, Buffer.alloc(16 << 10))
  assert.ok(to.writableLength > 256 << 10)
})
