/**
 * The attack: the first process of a sandbox that is reached by two streams was taken over and says what it likes. All that it was
 * given ends, with one error, and what the supervisor holds is bounded.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type Duplex, duplexPair } from 'node:stream'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Backlog } from '../../src/boundary/agent/backlog.js'
import { CarriedStreams } from '../../src/boundary/agent/carried.js'
import { Conversation } from '../../src/boundary/agent/conversation.js'
import { PIECE, WINDOW, Windows } from '../../src/boundary/agent/windows.js'
import { FrameReader, frame, MalformedFrame, u32 } from '../../src/boundary/agent/wire.js'

const SECONDS = Number(process.env.GLOVEBOX_FUZZ_SECONDS ?? 1)
const run = { numRuns: Number.POSITIVE_INFINITY, interruptAfterTimeLimit: (SECONDS * 1000) / 3 }

/** Both ends: ours, and what the sandbox says on the other. */
function pair(t: { after(clean: () => void): void }): { streams: CarriedStreams; agent: Duplex } {
  const [ours, agent] = duplexPair()
  agent.on('error', () => {})
  const streams = new CarriedStreams(ours, ours)
  t.after(() => {
    streams.close()
    agent.destroy()
  })
  return { streams, agent }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5))

const full = frame('o', Buffer.alloc(PIECE))
const header = (tag: string, length: number) => Buffer.concat([Buffer.from(tag), u32(length)])

const LIES = [
  ['noise', [Buffer.alloc(64, 0xff)]],
  ['an unknown channel', [frame('x', Buffer.from('x'))]],
  ['bytes of what only we write', [frame('i', Buffer.from('x'))]],
  ['credit for what only it writes', [frame('O', u32(1))]],
  ['a frame longer than any', [header('o', PIECE + 1)]],
  ['more than was asked for', Array.from({ length: WINDOW / PIECE + 1 }, () => full)],
  ['one byte more', [...Array.from({ length: WINDOW / PIECE }, () => full), frame('o', Buffer.from('x'))]],
  ['bytes after the end', [frame('e'), frame('e', Buffer.from('x'))]],
  ['an end after the end', [frame('c'), frame('c')]],
  ['credit that was never used', [frame('I', u32(1))]],
  ['credit that overflows', [frame('C', u32(0xffffffff))]],
  ['a credit of two bytes', [frame('I', Buffer.alloc(2))]],
  ['control refused', [frame('C', u32(0))]],
  ['its input refused twice', [frame('I', u32(0)), frame('I', u32(0))]],
  ['credit after the refusal', [frame('I', u32(0)), frame('I', u32(1))]],
] as const

describe('a first process that lies about what it carries', () => {
  for (const [name, said] of LIES)
    test(`${name}: all four end with one error`, async (t) => {
      const { streams, agent } = pair(t)
      const all = [streams.control, streams.stdin, streams.stdout, streams.stderr]
      const errors = Promise.all(all.map((each) => once(each, 'error')))
      for (const each of said) agent.write(each)
      for (const [error] of await errors) {
        assert.ok(error instanceof MalformedFrame)
        assert.match(error.message, /^[\x20-\x7e]{1,200}$/)
      }
      assert.ok(all.every((each) => each.destroyed))
    })

  test('a conversation over it is broken, with the reason', async (t) => {
    const { streams, agent } = pair(t)
    const conversation = new Conversation(streams.control)
    agent.write(Buffer.concat([frame('c', frame('S', u32(0))), frame('?')]))
    const end = await conversation.commandEnd(() => {})
    assert.equal(end.kind, 'broken')
  })

  test('silence, then nothing: the conversation is lost, and outputs end', async (t) => {
    const { streams, agent } = pair(t)
    const conversation = new Conversation(streams.control)
    agent.end(frame('o', Buffer.from('last')))
    assert.deepEqual(await conversation.commandEnd(() => {}), { kind: 'lost' })
    const parts: Buffer[] = []
    for await (const part of streams.stdout) parts.push(part)
    assert.equal(Buffer.concat(parts).toString(), 'last')
    await streams.lastWords()
  })

  test('single bytes, never read: no more memory than a window', () => {
    const backlog = new Backlog()
    // each in a buffer of its own, as a sandbox that writes slowly makes Node read them
    for (let each = 0; each < WINDOW; each++) backlog.add(Buffer.allocUnsafeSlow(4096).subarray(0, 1))
    let bytes = 0
    let parts = 0
    for (let part = backlog.take(); part !== null; part = backlog.take()) {
      bytes += part.length
      parts += 1
      assert.ok(part.buffer.byteLength <= 16 * 1024)
    }
    assert.equal(bytes, WINDOW)
    assert.ok(parts <= WINDOW / (16 * 1024))
  })

  test('an output that nobody reads: its writer is asked for no more than a window', async (t) => {
    const { streams, agent } = pair(t)
    let asked = 0
    const reader = new FrameReader(PIECE)
    agent.on('data', (chunk: Buffer) => {
      for (const { tag, bytes } of reader.push(chunk)) if (tag === 'O') asked += bytes.readUInt32LE()
    })
    streams.stdout.read(0) // as a stream does that is about to be read
    for (let each = 0; each < WINDOW / PIECE; each++) agent.write(full)
    await settled()
    assert.ok(asked <= WINDOW / 2, `${asked}`)
    assert.equal(streams.stdout.destroyed, false)
  })

  test('an input that nobody takes: its writer waits', async (t) => {
    const { streams, agent } = pair(t)
    agent.resume()
    let done = 0
    for (let each = 0; each < 10; each++)
      streams.stdin.write(Buffer.alloc(PIECE), () => {
        done += 1
      })
    await settled()
    assert.equal(done, WINDOW / PIECE)
    agent.write(frame('I', u32(PIECE)))
    await settled()
    assert.equal(done, WINDOW / PIECE + 1)
  })
})

describe('what a sandbox says of its channels', () => {
  const tag = fc.constantFrom(...'ceoCIiOE?')
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 20 }).map((each) => Buffer.from(each)),
    fc.constantFrom(0, 1, PIECE, WINDOW, 2 ** 32 - 1).map(u32),
    fc.constantFrom(PIECE, PIECE - 1).map((length) => Buffer.alloc(length)),
  )
  const said = fc.array(fc.tuple(tag, body), { maxLength: 40 })

  test('never more is taken than was granted, or sent than was asked for; only MalformedFrame is thrown', () => {
    fc.assert(
      fc.property(said, fc.array(fc.nat(WINDOW), { maxLength: 20 }), (frames, sizes) => {
        const windows = new Windows()
        const [held, sent] = [
          { control: 0, stdout: 0, stderr: 0 },
          { control: 0, stdin: 0 },
        ]
        try {
          for (const [index, [each, bytes]] of frames.entries()) {
            const size = sizes[index % Math.max(1, sizes.length)] ?? 0
            if (each === '?' && bytes.length === 0) {
              // another job: nothing of the last one's is counted on
              windows.renew()
              Object.assign(held, { stdout: 0, stderr: 0 })
              sent.stdin = 0
              continue
            }
            const { frames: out } = windows.sent('stdin', Buffer.alloc(size))
            sent.stdin += out.reduce((sum, { length }) => sum + length - 5, 0)
            const arrived = windows.arrived({ tag: each, bytes })
            if (arrived.kind === 'bytes') held[arrived.channel] += arrived.bytes.length
            if (arrived.kind === 'credit' && arrived.channel === 'stdin') sent.stdin -= bytes.readUInt32LE()
            if (arrived.kind === 'bytes' && index % 2 === 0) {
              windows.taken(arrived.channel, held[arrived.channel])
              held[arrived.channel] = 0
            }
            for (const waiting of Object.values(held)) assert.ok(waiting <= WINDOW)
            assert.ok(sent.stdin >= 0 && sent.stdin <= WINDOW)
          }
        } catch (error) {
          assert.ok(error instanceof MalformedFrame, String(error))
        }
      }),
      run,
    )
  })

  test('a backlog gives back what it was given', () => {
    const size = fc.oneof(fc.nat(40), fc.constantFrom(16_383, 16_384, 16_385, PIECE))
    fc.assert(
      fc.property(fc.array(fc.tuple(size, fc.boolean()), { maxLength: 30 }), (steps) => {
        const [backlog, given, taken] = [new Backlog(), [] as Buffer[], [] as Buffer[]]
        for (const [index, [length, takes]] of steps.entries()) {
          const bytes = Buffer.alloc(length, index)
          given.push(bytes)
          backlog.add(bytes)
          const part = takes ? backlog.take() : null
          if (part !== null) taken.push(Buffer.from(part))
        }
        for (let part = backlog.take(); part !== null; part = backlog.take()) taken.push(part)
        assert.ok(Buffer.concat(given).equals(Buffer.concat(taken)))
      }),
      run,
    )
  })

  test('whatever comes, in whatever pieces: the streams end, and nothing is thrown at nobody', async () => {
    const unhandled: unknown[] = []
    const note = (error: unknown) => unhandled.push(error)
    process.on('unhandledRejection', note)
    const part = fc.oneof(
      fc.tuple(tag, body).map(([each, bytes]) => frame(each, bytes)),
      fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
    )
    const use = fc.constantFrom('read', 'destroy', 'leave', 'write')
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 12 }), use, async (parts, how) => {
        const done: (() => void)[] = []
        const { streams, agent } = pair({ after: (each) => void done.push(each) })
        agent.resume()
        if (how === 'read')
          for (const each of [streams.stdout, streams.stderr, streams.control]) each.resume()
        if (how === 'destroy') streams.stdout.destroy()
        if (how === 'write') streams.stdin.write(Buffer.alloc(2 * WINDOW))
        const last = streams.lastWords()
        for (const each of parts) agent.write(each)
        agent.end()
        await last
        for (const each of [streams.control, streams.stdout, streams.stderr]) {
          each.resume()
          if (!each.closed && !each.destroyed && !each.readableEnded) await once(each, 'end')
        }
        for (const each of done) each()
      }),
      run,
    )
    process.off('unhandledRejection', note)
    assert.deepEqual(unhandled, [])
  })
})
