import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { getExtensionData, readTlsClientHello } from 'read-tls-client-hello'
import { ClientHelloReader, type HelloState } from '../../src/network/index.js'
import { helloMessage, records, sni } from './hellos.js'
import { fuzzTime } from './tools.js'

const TESTS = 4
const GREASE = [0x0a0a, 0x1a1a, 0x7a7a]

const extension = fc.oneof(
  fc
    .constantFrom('api.test', 'API.test.', 'evil.test', '127.0.0.1', '', 'a..b', 'xn--a.test')
    .map((name) => sni(name)),
  fc.constant(sni('api.test', 'evil.test')),
  fc.tuple(
    fc.constantFrom(10, 13, 16, 43, 51, 0xfe0d, 0xffce, ...GREASE),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  ),
)
const message = fc
  .record({
    version: fc.constantFrom(0x0303, 0x0301, 0x0300),
    session: fc.constantFrom(0, 32),
    ciphers: fc.integer({ min: 1, max: 30 }),
    extensions: fc.option(fc.array(extension, { maxLength: 8 }), { nil: null }),
  })
  .map((parts) => helloMessage(parts))

const damaged = fc
  .tuple(
    message,
    fc.array(fc.tuple(fc.nat({ max: 200 }), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
  )
  .map(([bytes, changes]) => {
    const copy = Buffer.from(bytes)
    for (const [at, byte] of changes) if (at < copy.length) copy[at] = byte
    return copy
  })

const sizes = fc.array(fc.integer({ min: 1, max: 80 }), { maxLength: 40 })

function pushed(bytes: Uint8Array, cuts: readonly number[]): HelloState {
  const reader = new ClientHelloReader()
  let at = 0
  let state: HelloState = { state: 'more' }
  for (const size of [...cuts, bytes.length]) {
    state = reader.push(bytes.subarray(at, at + size))
    at += size
  }
  return state
}

function whole(bytes: Uint8Array): HelloState {
  return new ClientHelloReader().push(bytes)
}

describe('ClientHellos at random', () => {
  test('are the same in whatever pieces of TCP they come', () => {
    const anything = fc.oneof(
      fc.tuple(fc.oneof(message, damaged), sizes).map(([bytes, cut]) => records(bytes, cut)),
      fc.uint8Array({ maxLength: 400 }),
    )
    fc.assert(
      fc.property(anything, sizes, (bytes, cuts) => {
        assert.deepEqual(pushed(bytes, cuts), whole(bytes))
      }),
      fuzzTime(TESTS),
    )
  })

  test('and in whatever records', () => {
    fc.assert(
      fc.property(fc.oneof(message, damaged), sizes, (bytes, cut) => {
        // a message that says that it is shorter ends in an early record, or has something behind it in a late one
        if (bytes.length !== 4 + bytes.readUIntBE(1, 3)) return
        assert.deepEqual(whole(records(bytes, cut)), whole(records(bytes)))
      }),
      fuzzTime(TESTS),
    )
  })

  test('a name that is read is the one that another reader sees', async () => {
    let compared = 0
    await fc.assert(
      fc.asyncProperty(fc.oneof(message, damaged), async (bytes) => {
        const wire = records(bytes)
        const state = whole(wire)
        if (state.state !== 'hello') return
        // the other reader wants extensions, which TLS 1.0 has not
        if (
          bytes.length ===
          4 + 2 + 32 + 1 + (bytes[38] ?? 0) + 2 + bytes.readUInt16BE(39 + (bytes[38] ?? 0)) + 2
        )
          return
        // it gives up on some that have many names in their one extension
        const oracle = await readTlsClientHello(Readable.from(wire, { objectMode: false })).catch(() => null)
        if (oracle === null) return
        compared += 1
        const names = oracle.extensions.filter(({ id }) => id === 0)
        assert.ok(names.length <= 1)
        const name = getExtensionData(oracle, 'server_name')?.serverName ?? null
        assert.equal(state.serverName, name?.toLowerCase().replace(/\.$/, '') ?? null)
        assert.equal(
          state.outerEch,
          oracle.extensions.some(({ id }) => id === 0xfe0d || id === 0xffce),
        )
      }),
      fuzzTime(TESTS),
    )
    assert.ok(compared > 0)
  })

  test('noise is never taken for one, and nothing throws', () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 2000 }),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => records(Buffer.from(bytes))),
      fc
        .uint8Array({ maxLength: 300 })
        .map((bytes) =>
          records(Buffer.concat([Buffer.of(1, 0, bytes.length >> 8, bytes.length & 255), bytes])),
        ),
    )
    fc.assert(
      fc.property(noise, sizes, (bytes, cuts) => {
        const state = pushed(bytes, cuts)
        if (state.state === 'bad') assert.match(state.why, /^[\x20-\x7e]{5,120}$/)
      }),
      fuzzTime(TESTS),
    )
  })
})
