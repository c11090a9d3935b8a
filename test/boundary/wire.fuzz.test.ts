import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { agentMessage, MAX_AGENT_FRAME } from '../../src/boundary/agent/messages.js'
import { type Frame, FrameReader, frame, MalformedFrame } from '../../src/boundary/agent/wire.js'

const SECONDS = Number(process.env.GLOVEBOX_FUZZ_SECONDS ?? 1)
const run = { numRuns: Number.POSITIVE_INFINITY, interruptAfterTimeLimit: (SECONDS * 1000) / 3 }

const TAGS = 'SENTIDFBXMZ'
const body = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc
    .tuple(fc.constantFrom(0, 1, 2, 255, 256, 2 ** 31, 2 ** 32 - 1), fc.uint8Array({ maxLength: 30 }))
    .map(([number, rest]) => {
      const head = Buffer.alloc(4)
      head.writeUInt32LE(number)
      return Buffer.concat([head, rest])
    }),
)
const whole = fc
  .tuple(
    fc.oneof(
      fc.constantFrom(...TAGS),
      fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    ),
    body,
  )
  .map(([tag, bytes]) => frame(tag, bytes))
/** Frames, noise, and frames whose length lies. */
const stream = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: whole },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)) },
    ),
    { maxLength: 12 },
  )
  .map((parts) => Buffer.concat(parts))

type Read = { readonly frames: readonly Frame[]; readonly malformed: boolean }

function read(chunks: readonly Buffer[], maxFrame: number): Read {
  const reader = new FrameReader(maxFrame)
  const frames: Frame[] = []
  try {
    for (const chunk of chunks) frames.push(...reader.push(chunk))
  } catch (error) {
    assert.ok(error instanceof MalformedFrame, String(error))
    return { frames, malformed: true }
  }
  return { frames, malformed: false }
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = Math.max(1, sizes[i % Math.max(1, sizes.length)] ?? 1)
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  return chunks
}

describe('frames from inside a sandbox', () => {
  test('in whatever pieces they come, they are the same; only MalformedFrame is thrown', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 5 }), (bytes, sizes) => {
        const [atOnce, inPieces] = [read([bytes], 64), read(cut(bytes, sizes), 64)]
        assert.equal(atOnce.malformed, inPieces.malformed)
        // what comes in one piece with a malformed frame is lost with it
        const common = atOnce.malformed
          ? Math.min(atOnce.frames.length, inPieces.frames.length)
          : inPieces.frames.length
        assert.deepEqual(inPieces.frames.slice(0, common), atOnce.frames.slice(0, common))
        if (!atOnce.malformed) assert.equal(atOnce.frames.length, inPieces.frames.length)
      }),
      run,
    )
  })

  test('what was written is read, whatever it holds', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...TAGS), fc.uint8Array({ maxLength: 60 })), { maxLength: 9 }),
        (given) => {
          const { frames, malformed } = read(
            [Buffer.concat(given.map(([tag, bytes]) => frame(tag, bytes)))],
            64,
          )
          assert.ok(!malformed)
          assert.deepEqual(
            frames.map(({ tag, bytes }) => [tag, [...bytes]]),
            given.map(([tag, bytes]) => [tag, [...bytes]]),
          )
        },
      ),
      run,
    )
  })

  test('a message is a value or malformed, and its numbers are whole and safe', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 255 }),
        fc.oneof(body, fc.uint8Array({ maxLength: 300 })),
        (code, bytes) => {
          try {
            const message = agentMessage({ tag: String.fromCharCode(code), bytes: Buffer.from(bytes) })
            if (message.kind === 'file') assert.ok(Number.isSafeInteger(message.bytes) && message.bytes >= 0)
            if (message.kind !== 'ended') return
            const { end } = message
            if (end.kind === 'exited')
              assert.ok(Number.isInteger(end.code) && end.code >= 0 && end.code <= 255)
            if (end.kind === 'signal') assert.ok(end.signal >= 1 && end.signal <= 64)
            if (end.kind === 'broken') assert.match(end.detail, /^[\x20-\x7e]{0,400}$/)
          } catch (error) {
            assert.ok(error instanceof MalformedFrame, String(error))
          }
        },
      ),
      run,
    )
  })

  test('no more than one frame is ever held: a length above the bound ends it at the header', () => {
    const header = Buffer.from(frame('B', Buffer.alloc(0)))
    header.writeUInt32LE(MAX_AGENT_FRAME + 1, 1)
    assert.throws(() => new FrameReader(MAX_AGENT_FRAME).push(header), MalformedFrame)
    header.writeUInt32LE(0xffffffff, 1)
    assert.throws(() => new FrameReader(MAX_AGENT_FRAME).push(header), MalformedFrame)
  })

  /** The attack: a long frame a byte at a time, each of which makes the supervisor copy all that came before. */
  test('a frame that trickles in costs no more than one that comes at once', () => {
    const bytes = frame('B', Buffer.alloc(MAX_AGENT_FRAME))
    const reader = new FrameReader(MAX_AGENT_FRAME)
    const before = performance.now()
    let frames = 0
    for (let at = 0; at < bytes.length; at += 8) frames += reader.push(bytes.subarray(at, at + 8)).length
    assert.equal(frames, 1)
    assert.ok(performance.now() - before < 2000, `${performance.now() - before} ms`)
  })
})
