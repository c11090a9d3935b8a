/**
 * Where a job can open its first process's way to the host once more (gVisor shows an engine's pipes in /proc/1/fd), it says there whatever
 * it likes. The attacks: words of its own, the agent's said again, left out or changed. A regression would show as an end, or an
 * output, that the host believes.
 */
import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { CarriedStreams } from '../../src/boundary/agent/carried.js'
import { Conversation } from '../../src/boundary/agent/conversation.js'
import { KEY, Unsealed } from '../../src/boundary/agent/sealed.js'
import { MalformedFrame } from '../../src/boundary/agent/wire.js'
import { asEachNetworkUser } from '../support/users.js'
import { begin, type Sandbox, startAgent } from './carried-agent.js'

const key = randomBytes(KEY)

/** As the agent does, see native/agent/seal.c. */
function sealed(bytes: Uint8Array, number: number, by = key): Buffer {
  const [counted, length] = [Buffer.alloc(8), Buffer.alloc(4)]
  counted.writeUInt32LE(number)
  length.writeUInt32LE(bytes.length)
  const tag = createHmac('sha256', by).update(counted).update(length).update(bytes).digest()
  return Buffer.concat([length, bytes, tag.subarray(0, 16)])
}

/** What comes of pieces, and whether it ended as what nobody but the agent said. */
async function opened(pieces: readonly Uint8Array[]): Promise<{ bytes: Buffer; whole: boolean }> {
  const stream = new Unsealed(key)
  const got: Buffer[] = []
  stream.on('data', (part: Buffer) => got.push(part))
  const error = new Promise<Error | null>((resolve) => {
    stream.on('error', resolve)
    stream.on('end', () => resolve(null))
  })
  for (const piece of pieces) stream.write(piece)
  stream.end()
  const found = await error
  assert.ok(found === null || found instanceof MalformedFrame)
  return { bytes: Buffer.concat(got), whole: found === null }
}

const texts = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 6 })

describe('what is sealed', () => {
  test('comes out as it was said, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(texts, fc.integer({ min: 1, max: 50 }), async (said, cut) => {
        const all = Buffer.concat(said.map((each, number) => sealed(each, number)))
        const pieces = Array.from({ length: Math.ceil(all.length / cut) }, (_, at) =>
          all.subarray(at * cut, (at + 1) * cut),
        )
        assert.deepEqual(await opened(pieces), { bytes: Buffer.concat(said), whole: true })
      }),
      { numRuns: 50 },
    )
  })

  test('and was changed, said again, left out, or is somebody else’s: nothing of it comes out, nor of what follows', async () => {
    const [first, second, third] = [0, 1, 2].map((number) => sealed(Buffer.from(`record ${number}`), number))
    assert.ok(first && second && third)
    const changed = Buffer.from(second)
    changed[6] = (changed[6] ?? 0) ^ 1
    for (const [what, then] of Object.entries({
      'changed by one bit': [changed],
      'said again': [first],
      'left out': [third],
      'of another key': [sealed(Buffer.from('forged'), 1, randomBytes(KEY))],
      'not sealed': [Buffer.from('cccccccc')],
      'of no length': [sealed(Buffer.alloc(0), 1)],
      'too long to be the agent’s': [Buffer.from('ffffffff', 'hex')],
    }))
      assert.deepEqual(
        await opened([first, ...then, second]),
        { bytes: Buffer.from('record 0'), whole: false },
        what,
      )
  })
})

function talk(sandbox: Sandbox) {
  sandbox.to.write(key)
  const streams = new CarriedStreams(sandbox.from.pipe(new Unsealed(key)), sandbox.to)
  return { ...sandbox, streams, conversation: new Conversation(streams.control) }
}

asEachNetworkUser('an agent that seals carries a job as one that does not, 3 MiB of it', async (user, t) => {
  const talking = talk(startAgent(t, { user, pipes: true, sealed: true }))
  const { end } = await begin(talking, 'cat; echo errors >&2; exit 3')
  const bytes = randomBytes(3 * 1024 ** 2)
  talking.streams.stdin.end(bytes)
  const parts: Buffer[] = []
  for await (const part of talking.streams.stdout) parts.push(part)
  assert.ok(Buffer.concat(parts).equals(bytes))
  const { kind, ...rest } = await end
  assert.deepEqual([kind, 'code' in rest && rest.code], ['exited', 3])
  talking.conversation.close()
  assert.equal(await talking.ended, 0, talking.complaints())
})

asEachNetworkUser(
  'words before, or between, those of an agent that seals end the conversation',
  async (user, t) => {
    const sandbox = startAgent(t, { user, pipes: true, sealed: true })
    sandbox.to.write(key)
    const way = new Unsealed(key)
    sandbox.from.on('data', (part) => way.writable && way.write(part))
    const streams = new CarriedStreams(way, sandbox.to)
    const talking = { ...sandbox, streams, conversation: new Conversation(streams.control) }
    const { end } = await begin(talking, 'sleep 50')
    way.write(Buffer.from('c\x15\x00\x00\x00E\x10\x00\x00\x00'))
    // more than any record: one that is only begun is waited for
    way.write(randomBytes(100_000))
    const { kind } = await end
    assert.equal(kind, 'broken')
    await sandbox.ended
  },
)
