/**
 * The attack: a machine was taken over, its kernel included, and says what it likes on its wire. All who wait for it are told, with one
 * error, and what the supervisor holds of it is bounded.
 */
import assert from 'node:assert/strict'
import { type Duplex, duplexPair } from 'node:stream'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { FrameReader, frame, MalformedFrame, u32, u64 } from '../../src/boundary/agent/wire.js'
import { GuestSays, PIECE } from '../../src/boundary/microvm/guest/said.js'
import { type Step, step } from '../../src/boundary/microvm/guest/steps.js'
import { GuestWire } from '../../src/boundary/microvm/guest/wire.js'
import { LaunchError } from '../../src/errors/index.js'

const SECONDS = Number(process.env.GLOVEBOX_FUZZ_SECONDS ?? 1)
const fuzz = { numRuns: Number.POSITIVE_INFINITY, interruptAfterTimeLimit: (SECONDS * 1000) / 2 }

const STEPS: readonly Step[] = [step.start('/r', 1000, 1000)]
const READY = frame('r', u32(1), Buffer.from('6.1.0-test\0'))
const STARTED = frame('p')
const news = (status: number, text = '', cpu = 7000) =>
  frame('n', u32(status), u64(cpu), u64(4096), u32(1), u32(2), Buffer.from(text))

interface Both {
  readonly wire: GuestWire
  /** the machine's end */
  readonly machine: Duplex
  readonly ours: Duplex
}

function pair(restored = false): Both {
  const [ours, machine] = duplexPair()
  machine.on('error', () => {})
  return { wire: new GuestWire(ours, ours, restored ? { version: 1, kernel: 'saved' } : null), machine, ours }
}

/** A machine that runs its agent. */
async function started(): Promise<Both> {
  const both = pair()
  both.machine.write(READY)
  await both.wire.ready
  both.wire.start(STEPS)
  both.machine.write(STARTED)
  await both.wire.started
  return both
}

/** The tags that the machine is sent. */
function heard(machine: Duplex): { readonly tags: () => string; readonly bytes: () => number } {
  const reader = new FrameReader(8 << 20)
  let [tags, bytes] = ['', 0]
  machine.on('data', (chunk: Buffer) => {
    for (const each of reader.push(chunk)) {
      tags += each.tag
      bytes += each.bytes.length
    }
  })
  return { tags: () => tags, bytes: () => bytes }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 20))

describe('a machine on its wire', () => {
  test('is ready, starts, is talked to, and ends with its news', async () => {
    const { wire, machine } = pair()
    const said = heard(machine)
    machine.write(READY)
    assert.deepEqual(await wire.ready, { version: 1, kernel: '6.1.0-test' })
    wire.agent.write('early')
    wire.start(STEPS)
    await settled()
    assert.equal(said.tags(), 'S', 'nothing goes to an agent that is not there')
    machine.write(STARTED)
    await wire.started
    machine.write(frame('a', Buffer.from('hello')))
    const [first] = (await wire.agent.iterator({ destroyOnReturn: false }).next()).value.toString().split()
    assert.equal(first, 'hello')
    wire.agent.end()
    await settled()
    assert.equal(said.tags(), 'Saq')
    machine.write(news(3 << 8, 'complaint\n\x1b'))
    assert.deepEqual(await wire.news, {
      end: { kind: 'exited', code: 3 },
      cpuMs: 7,
      peakMemoryBytes: 4096,
      oomKills: 1,
      forkRefusals: 2,
      complaints: 'complaint\n?',
    })
    machine.end()
  })

  test('that was saved is ready from the first', async () => {
    const { wire, machine } = pair(true)
    assert.deepEqual(await wire.ready, { version: 1, kernel: 'saved' })
    wire.start(STEPS)
    assert.throws(() => wire.start(STEPS), /once/)
    machine.write(STARTED)
    await wire.started
    wire.close()
  })

  test('is told its steps when it is ready, not before', () => {
    const { wire } = pair()
    assert.throws(() => wire.start(STEPS), /when it is ready/)
    wire.close()
  })

  test('an agent that is hung up on once is, whatever it is hung up by', async () => {
    const { wire, machine } = await started()
    const said = heard(machine)
    wire.agent.end()
    wire.agent.destroy()
    wire.agent.destroy()
    await settled()
    assert.equal(said.tags().replace(/^S/, ''), 'q')
    machine.write(Buffer.concat([frame('a', Buffer.from('too late')), news(9)]))
    assert.deepEqual((await wire.news)?.end, { kind: 'signal', signal: 9 })
  })

  test('a step that failed is what all who wait are told', async () => {
    const { wire, machine } = pair(true)
    wire.start(STEPS)
    machine.write(frame('f', Buffer.from('mount /r/proc: Permission denied')))
    await assert.rejects(
      wire.started,
      (error) => error instanceof LaunchError && /mount \/r\/proc: Perm/.test(error.message),
    )
    assert.equal(await wire.news, null)
  })

  test('silence, then nothing: no news, and the agent is at its end', async () => {
    const { wire, machine } = await started()
    machine.end(frame('a', Buffer.from('last')))
    const parts: Buffer[] = []
    for await (const part of wire.agent) parts.push(part as Buffer)
    assert.equal(Buffer.concat(parts).toString(), 'last')
    assert.equal(await wire.news, null)
  })
})

describe('a machine that lies', () => {
  const header = (tag: string, length: number) => Buffer.concat([Buffer.from(tag), u32(length)])
  const LIES: readonly (readonly [string, boolean, Buffer])[] = [
    ['noise', false, Buffer.alloc(64, 0xff)],
    ['an unknown frame', false, frame('z')],
    ['bytes before the agent is there', false, frame('a', Buffer.from('x'))],
    ['a start before it was told', false, Buffer.concat([READY, STARTED])],
    ['ready twice', false, Buffer.concat([READY, READY])],
    ['another version', false, frame('r', u32(2), Buffer.from('6.1\0'))],
    ['ready without a kernel', false, frame('r', u32(1))],
    ['a kernel without an end', false, frame('r', u32(1), Buffer.from('6.1'))],
    ['a kernel of two texts', false, frame('r', u32(1), Buffer.from('a\0b\0'))],
    ['a kernel with a name too long', false, frame('r', u32(1), Buffer.alloc(80, 'a'), Buffer.alloc(1))],
    ['news before the agent is there', false, news(0)],
    ['a failure too long', false, frame('f', Buffer.alloc(4097))],
    ['started twice', true, STARTED],
    ['started with something in it', true, frame('p', Buffer.from('x'))],
    ['no bytes of the agent', true, frame('a')],
    ['more of the agent than fits', true, header('a', PIECE + 1)],
    ['what only we say', true, frame('q')],
    ['news twice', true, Buffer.concat([news(0), news(0)])],
    ['a failure after the news', true, Buffer.concat([news(0), frame('f')])],
    ['bytes after the news', true, Buffer.concat([news(0), frame('a', Buffer.from('x'))])],
    ['news cut short', true, frame('n', u32(0))],
    ['news of an end that no process has', true, news(0x7f)],
    ['news of an end of more bits', true, news(1 << 16)],
    ['news with a text too long', true, news(0, 'x'.repeat(4097))],
    ['news with a number too large', true, frame('n', u32(0), Buffer.alloc(16, 0xff), u64(0))],
  ]
  for (const [name, isStarted, said] of LIES)
    test(`${name}: all who wait are told, and the wire is closed`, async () => {
      const { wire, machine, ours } = isStarted ? await started() : pair()
      const broken = new Promise<Error>((resolve) => wire.agent.once('error', resolve))
      machine.write(said)
      const error = await broken
      assert.ok(error instanceof MalformedFrame)
      assert.match(error.message, /^[\x20-\x7e]{1,200}$/)
      assert.ok(wire.agent.destroyed)
      if (!isStarted) await assert.rejects(wire.started, MalformedFrame)
      await wire.news
      assert.ok(ours.destroyed)
    })

  test('an agent whose words nobody reads: the machine waits', async () => {
    const { wire, machine } = await started()
    let sent = 0
    const full = frame('a', Buffer.alloc(PIECE))
    const more = () => {
      sent += 1
      if (sent < 200) machine.write(full, more)
    }
    more()
    await settled()
    assert.ok(sent < 20, `${sent} pieces were taken`)
    let got = 0
    wire.agent.on('data', (chunk: Buffer) => {
      got += chunk.length
    })
    while (got < 199 * PIECE) await settled()
    wire.close()
  })

  test('a machine that takes nothing: who writes waits', async () => {
    const { wire, machine } = await started()
    let done = 0
    for (let each = 0; each < 40; each++)
      wire.agent.write(Buffer.alloc(PIECE), () => {
        done += 1
      })
    await settled()
    assert.ok(done < 10, `${done}`)
    machine.resume()
    while (done < 40) await settled()
    wire.close()
  })
})

describe('whatever a machine says', () => {
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((each) => Buffer.from(each)),
    fc.constant(READY.subarray(5)),
    fc.constantFrom(news(0).subarray(5), news(9, 'x').subarray(5), news(0x100, 'text').subarray(5)),
  )
  const said = fc.tuple(fc.constantFrom(...'rpafnqz'), body)

  test('is a value or malformed, in an order that makes sense, and its numbers are whole and safe', () => {
    fc.assert(
      fc.property(fc.array(said, { maxLength: 12 }), fc.boolean(), fc.nat(6), (frames, restored, tellAt) => {
        const says = new GuestSays(restored)
        const order: string[] = restored ? ['ready'] : []
        try {
          for (const [index, [tag, bytes]] of frames.entries()) {
            if (index >= tellAt && order.at(-1) === 'ready') {
              says.tell()
              order.push('told')
            }
            const each = says.arrived({ tag, bytes })
            if (each.kind === 'news') {
              const { end, ...numbers } = each.news
              assert.ok(end.kind === 'exited' ? end.code <= 255 : end.signal >= 1 && end.signal < 127)
              for (const value of [numbers.peakMemoryBytes, numbers.oomKills, numbers.forkRefusals])
                assert.ok(Number.isSafeInteger(value) && value >= 0)
              assert.match(numbers.complaints, /^[\x20-\x7e\n]{0,4096}$/)
            }
            if (each.kind === 'failed') assert.match(each.text, /^[\x20-\x7e\n]{0,4096}$/)
            if (each.kind !== 'bytes') order.push(each.kind)
            else assert.equal(order.at(-1), 'started')
          }
        } catch (error) {
          assert.ok(error instanceof MalformedFrame, String(error))
        }
        assert.match(order.join(' '), /^(ready( told( started( news)?)?)?)?( ?failed)?$/)
      }),
      fuzz,
    )
  })

  test('in whatever pieces: every promise is kept, and nothing is thrown at nobody', async () => {
    const unhandled: unknown[] = []
    const note = (error: unknown) => unhandled.push(error)
    process.on('unhandledRejection', note)
    const part = fc.oneof(
      said.map(([tag, bytes]) => frame(tag, bytes)),
      fc.constantFrom(READY, STARTED, frame('a', Buffer.from('x'))),
      fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
    )
    const use = fc.constantFrom('read', 'destroy', 'leave', 'write', 'end')
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 10 }), use, fc.boolean(), async (parts, how, restored) => {
        const { wire, machine } = pair(restored)
        machine.resume()
        if (restored) wire.start(STEPS)
        if (how === 'read') wire.agent.resume()
        if (how === 'destroy') wire.agent.destroy()
        if (how === 'write') wire.agent.write(Buffer.alloc(3 * PIECE))
        if (how === 'end') wire.agent.end('x')
        for (const each of parts) machine.write(each)
        machine.end()
        await Promise.allSettled([wire.ready, wire.started, wire.news])
        wire.close()
      }),
      fuzz,
    )
    process.off('unhandledRejection', note)
    assert.deepEqual(unhandled, [])
  })
})
