/**
 * The attack: the sandbox's first process was taken over and says what it likes. The run ends all the same, with a
 * reason, and what the supervisor holds is bounded.
 */
import assert from 'node:assert/strict'
import { connect, createServer, type Socket } from 'node:net'
import { constants } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { Conversation } from '../../src/boundary/agent/conversation.js'
import { frame, MalformedFrame, u32, u64 } from '../../src/boundary/agent/wire.js'
import type { CollectedEntry } from '../../src/boundary/index.js'
import { testFolder } from '../support/checkout.js'

const SECONDS = Number(process.env.GLOVEBOX_FUZZ_SECONDS ?? 1)
const MiB = 1024 ** 2

/** Both ends of a connection: a conversation, and the agent that it talks to. */
async function pair(t: TestContext): Promise<{ conversation: Conversation; agent: Socket }> {
  const path = join(testFolder(t), 's')
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(path, resolve))
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
  const ours = connect(path)
  const agent = await accepted
  server.close()
  agent.on('error', () => {})
  agent.resume()
  const conversation = new Conversation(ours)
  t.after(() => {
    conversation.close()
    agent.destroy()
  })
  return { conversation, agent }
}

const started = frame('S', u32(0))
const ended = (code: number) => frame('E', u32(0), u32(code), u64(1000))
const file = (path: string, size: number) => frame('F', u64(size), Buffer.from(path))

/** Writes again and again until nobody takes it; how much was written. */
async function flood(agent: Socket, bytes: Buffer): Promise<number> {
  let written = 0
  while (!agent.destroyed && agent.writable) {
    written += bytes.length
    if (!agent.write(bytes))
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 300) // not taken any more: that is what is looked for
        agent.once('drain', () => {
          clearTimeout(timer)
          resolve()
        })
      })
    if (agent.writableLength > 8 * MiB) break
  }
  return written
}

/** Everything that is collected, read to its end; throws as the conversation does. */
async function collected(conversation: Conversation): Promise<CollectedEntry[]> {
  const entries: CollectedEntry[] = []
  for await (const entry of conversation.collect('/job', 'out')) {
    entries.push(entry)
    if (entry.kind === 'file') for await (const _ of entry.content);
  }
  return entries
}

describe('a first process that lies', () => {
  for (const [name, said] of [
    ['noise', Buffer.alloc(100, 0xff)],
    ['a frame longer than any', Buffer.concat([Buffer.from('E'), u32(2 ** 31)])],
    ['an unknown kind', frame('?')],
    ['an end that no process has', ended(256)],
    ['a signal that there is not', frame('E', u32(1), u32(65), u64(0))],
    ['a number too large', frame('E', u32(0), u32(0), Buffer.alloc(8, 0xff))],
    ['an end cut short', frame('E', u32(0))],
    ['files while the command runs', file('x', 1)],
    ['a start that says nothing', frame('S')],
    ['a start with a Landlock that there is not', frame('S', u32(256))],
    ['a start that comes twice', Buffer.concat([started, started, ended(0)])],
  ] as const)
    test(`${name}: it is not believed`, async (t) => {
      const { conversation, agent } = await pair(t)
      agent.write(said)
      const end = await conversation.commandEnd(() => {})
      assert.equal(end.kind, 'broken')
      assert.match(end.kind === 'broken' ? end.detail : '', /^[\x20-\x7e]{1,400}$/)
    })

  test('a wall that could not be put up is said to be that, and no job’s fault', async (t) => {
    const { conversation, agent } = await pair(t)
    agent.write(frame('U', u32(constants.errno.EOPNOTSUPP), Buffer.from('landlock\u001b[2J')))
    const end = await conversation.commandEnd(() => assert.fail('it started'))
    assert.ok(end.kind === 'notStarted' && end.cause === 'unconfined')
    assert.match(end.detail, /^landlock[\x20-\x7e]*: E/)
  })

  test('silence, then nothing: it is lost', async (t) => {
    const { conversation, agent } = await pair(t)
    agent.end(Buffer.from('S').subarray(0, 1))
    assert.deepEqual(await conversation.commandEnd(() => {}), { kind: 'lost' })
  })

  for (const [name, said] of [
    ['starts without end', started],
    ['bytes of no file', frame('B', Buffer.alloc(1000))],
  ] as const)
    test(`${name}: ended at the first that makes no sense`, async (t) => {
      const { conversation, agent } = await pair(t)
      const flooding = flood(agent, Buffer.concat(Array.from({ length: 100 }, () => said)))
      assert.equal((await conversation.commandEnd(() => {})).kind, 'broken')
      conversation.close()
      assert.ok((await flooding) < 64 * MiB)
    })

  for (const [name, said] of [
    ['bytes before any file', [frame('B', Buffer.from('x'))]],
    ['more bytes than a file has', [file('out', 3), frame('B', Buffer.from('four'))]],
    ['no bytes, again and again', [file('out', 3), frame('B')]],
    ['another file in the middle of one', [file('a', 3), file('b', 3)]],
    ['an end in the middle of a file', [file('a', 3), frame('Z')]],
    ['the job’s end once more', [ended(0)]],
    ['nothing there, and then something', [frame('M'), file('out', 0), frame('Z')]],
    [
      'a refusal, and then something',
      [frame('X', u32(1), Buffer.from('l')), frame('D', Buffer.from('d')), frame('Z')],
    ],
    ['nothing there, without end', [frame('M'), frame('M')]],
  ] as const)
    test(`while outputs are read, ${name}: the collection is refused`, async (t) => {
      const { conversation, agent } = await pair(t)
      agent.write(Buffer.concat(said))
      await assert.rejects(collected(conversation), MalformedFrame)
    })

  test('a file that never ends is read no faster than it is asked for: memory is bounded', async (t) => {
    const { conversation, agent } = await pair(t)
    agent.write(file('out', Number.MAX_SAFE_INTEGER))
    const flooding = flood(agent, frame('B', Buffer.alloc(64 * 1024)))
    const entries = conversation.collect('/job', 'out')
    const { value } = await entries.next()
    assert.equal(value?.kind, 'file')
    await new Promise((resolve) => setTimeout(resolve, 500)) // asked for nothing: what comes stays where it is
    const before = process.memoryUsage().arrayBuffers
    conversation.close()
    assert.ok((await flooding) < 32 * MiB)
    assert.ok(before < 64 * MiB, `${before}`)
  })

  test('whatever it says, the end is one of those that there are, and comes', async (t) => {
    const part = fc.oneof(
      fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
      fc
        .tuple(fc.constantFrom(...'SENTIDFBXMZ?'), fc.uint8Array({ maxLength: 24 }))
        .map(([tag, bytes]) => frame(tag, bytes)),
      fc.constantFrom(
        started,
        ended(0),
        frame('T'),
        file('out', 2),
        frame('B', Buffer.from('xy')),
        frame('D', Buffer.from('out')),
        frame('Z'),
      ),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 10 }), async (parts) => {
        const { conversation, agent } = await pair(t)
        for (const each of parts) agent.write(each)
        agent.end()
        const end = await conversation.commandEnd(() => {})
        assert.ok(['exited', 'signal', 'notStarted', 'deadline', 'broken', 'lost'].includes(end.kind))
        try {
          await collected(conversation)
        } catch (error) {
          assert.ok(error instanceof MalformedFrame, String(error))
        }
        conversation.close()
      }),
      { numRuns: Number.POSITIVE_INFINITY, interruptAfterTimeLimit: SECONDS * 1000 },
    )
  })
})
