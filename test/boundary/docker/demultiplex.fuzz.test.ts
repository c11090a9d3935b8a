/** The frames of an attached container: what a job wrote comes out as it was, however it was cut; what is none is refused. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Demultiplexer, MAX_FRAME } from '../../../src/boundary/docker/demultiplex.js'
import { EngineError } from '../../../src/boundary/docker/problems.js'

const SECONDS = Number(process.env.GLOVEBOX_FUZZ_SECONDS ?? 1)
const run = { numRuns: Number.POSITIVE_INFINITY, interruptAfterTimeLimit: (SECONDS * 1000) / 3 }

function head(stream: number, length: number, zeros: readonly number[] = [0, 0, 0]): Buffer {
  const bytes = Buffer.from([stream, ...zeros, 0, 0, 0, 0])
  bytes.writeUInt32BE(length, 4)
  return bytes
}

const written = fc.array(
  fc.record({
    to: fc.constantFrom('stdout' as const, 'stderr' as const),
    bytes: fc.uint8Array({ maxLength: 60 }),
  }),
  { maxLength: 12 },
)
const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 })

const framed = (parts: readonly { to: string; bytes: Uint8Array }[]) =>
  Buffer.concat(parts.flatMap(({ to, bytes }) => [head(to === 'stdout' ? 1 : 2, bytes.length), bytes]))

function read(bytes: Buffer, cuts: readonly number[]) {
  const frames = new Demultiplexer()
  const out = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }
  let error: unknown = null
  try {
    for (let at = 0, turn = 0; at < bytes.length; turn++) {
      const size = cuts[turn % cuts.length] ?? 1
      for (const piece of frames.push(bytes.subarray(at, at + size)))
        out[piece.to] = Buffer.concat([out[piece.to], piece.bytes])
      at += size
    }
    frames.end()
  } catch (thrown) {
    error = thrown
  }
  return { out, error }
}

describe('frames of an attached container', () => {
  test('come out as they were written, however they are cut', () => {
    fc.assert(
      fc.property(written, sizes, (parts, cuts) => {
        const { out, error } = read(framed(parts), cuts)
        assert.equal(error, null)
        for (const to of ['stdout', 'stderr'] as const) {
          const all = Buffer.concat(parts.filter((part) => part.to === to).map(({ bytes }) => bytes))
          assert.ok(out[to].equals(all))
        }
      }),
      run,
    )
  })

  test('noise is never more than one clear error, and never gives more bytes than came', () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc
        .tuple(
          written,
          fc.integer({ min: 0, max: 255 }),
          fc.nat(2 ** 32 - 1),
          fc.uint8Array({ maxLength: 20 }),
        )
        .map(([parts, stream, length, rest]) => Buffer.concat([framed(parts), head(stream, length), rest])),
    )
    fc.assert(
      fc.property(noise, sizes, (bytes, cuts) => {
        const { out, error } = read(bytes, cuts)
        assert.ok(error === null || error instanceof EngineError, String(error))
        assert.ok(out.stdout.length + out.stderr.length <= bytes.length)
      }),
      run,
    )
  })

  test('a cut changes nothing of what is told', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), sizes, (noise, cuts) => {
        const bytes = Buffer.concat([head(1, 3), Buffer.from('abc'), noise])
        const [whole, cut] = [read(bytes, [bytes.length]), read(bytes, cuts)]
        assert.equal(String(whole.error), String(cut.error))
      }),
      run,
    )
  })

  test('a wrong stream, bytes where zeros belong, a length that is none, an end in the middle: each in a sentence', () => {
    const told = (bytes: Buffer) => String(read(bytes, [5]).error)
    assert.match(told(head(4, 1)), /no frames of a container's streams/)
    assert.match(told(head(0, 1)), /no frames/)
    assert.match(told(head(1, 1, [0, 1, 0])), /no frames/)
    assert.match(told(head(1, MAX_FRAME + 1)), /a frame of 16777217 bytes/)
    assert.match(told(Buffer.concat([head(2, 5), Buffer.from('abc')])), /in the middle/)
    assert.match(told(head(1, 1).subarray(0, 4)), /in the middle/)
    const sentence = Buffer.from('error attaching\x1b[2J: no')
    assert.match(
      told(Buffer.concat([head(3, sentence.length), sentence])),
      /gave up .*: error attaching\\u\{1b\}\[2J: no\./,
    )
  })
})
