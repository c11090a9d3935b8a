/**
 * What the first process of a sandbox does with a host that breaks off, sends garbage or takes nothing: it ends, and says why
 * where there is something to say.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { PIECE, WINDOW } from '../../src/boundary/agent/windows.js'
import { FrameReader, frame, u32 } from '../../src/boundary/agent/wire.js'
import { SKIP } from '../support/boxes.js'
import { USERS } from '../support/users.js'
import { type Cleanup, type Sandbox, startAgent } from './carried-agent.js'
import { NO_SANITIZERS, sanitized, sourcesOf } from './sanitized.js'

const SECONDS = Number(process.env.GLOVEBOX_FUZZ_SECONDS ?? 2)

let program: string | null = null
function start(t: Cleanup): Sandbox {
  program ??= sanitized('agent-of-host', sourcesOf('agent'))
  const [user] = USERS
  assert.ok(user)
  return startAgent(t, { user, program })
}

const words = (text: string) => Buffer.from(text)
const control = (...parts: Buffer[]) => frame('c', ...parts)
const job = (script: string, deadlineMs = 20_000) =>
  control(
    frame('w', words('/tmp/job')),
    frame('v', words('PATH=/usr/bin:/bin')),
    frame('t', u32(deadlineMs)),
    ...['sh', '-c', script].map((item) => frame('x', words(item))),
    frame('g'),
  )

/** What comes of a channel, as far as it comes. */
function listen({ from }: Sandbox): Record<string, Buffer[]> {
  const heard: Record<string, Buffer[]> = {}
  const reader = new FrameReader(PIECE)
  from.on('data', (chunk: Buffer) => {
    for (const { tag, bytes } of reader.push(chunk)) {
      heard[tag] ??= []
      heard[tag].push(bytes)
    }
  })
  return heard
}

describe('the first process, and a host that makes no sense', { skip: SKIP || NO_SANITIZERS }, () => {
  const piece = frame('i', Buffer.alloc(PIECE))
  const header = (tag: string, length: number) => Buffer.concat([Buffer.from(tag), u32(length)])
  for (const [name, sent] of [
    ['noise', [Buffer.alloc(64, 0xff)]],
    ['an unknown channel', [frame('x', words('x'))]],
    ['bytes for what the job writes to', [frame('o', words('x'))]],
    ['credit for what the job reads', [frame('I', u32(1))]],
    ['a frame longer than any', [header('i', PIECE + 1)]],
    ['a frame longer than memory', [header('c', 0xffffffff)]],
    // the job's pipe takes one piece, and the host was told of no more
    ['more than the window', [job('sleep 20'), ...Array.from({ length: WINDOW / PIECE + 2 }, () => piece)]],
    ['bytes after their end', [frame('i'), frame('i', words('x'))]],
    ['an end after the end', [frame('c'), frame('c')]],
    ['a number of two bytes', [header('O', 2)]],
    ['more credit than a number holds', [frame('O', u32(0xffffffff))]],
    ['credit again and again', Array.from({ length: 65 }, () => frame('E', u32(WINDOW)))],
    ['no more control wanted', [frame('C', u32(0))]],
  ] as const)
    test(`${name}: it ends, and says so`, async (t) => {
      const sandbox = start(t)
      sandbox.from.resume()
      for (const each of sent) sandbox.to.write(each)
      assert.equal(await sandbox.ended, 1)
      assert.equal(sandbox.complaints(), 'agent: what came from the host is no frame\n')
    })

  test('a frame in single bytes is the same frame', async (t) => {
    const sandbox = start(t)
    const heard = listen(sandbox)
    for (const byte of Buffer.concat([job('cat'), frame('i', words('slowly')), frame('i')])) {
      sandbox.to.write(Buffer.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
    while ((heard.o?.length ?? 0) < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    assert.equal(Buffer.concat(heard.o ?? []).toString(), 'slowly')
    sandbox.to.end()
    assert.equal(await sandbox.ended, 0)
  })

  test('a host that only stops reading, or only stops writing, is gone', async (t) => {
    const [deaf, dumb] = [start(t), start(t)]
    for (const each of [deaf, dumb]) each.to.write(job('sleep 20 & exec cat /dev/zero'))
    deaf.from.destroy()
    dumb.from.resume()
    dumb.to.end()
    assert.equal(await deaf.ended, 0)
    assert.equal(await dumb.ended, 0)
  })

  test('a job that ended, and a host that takes nothing of what it said: nothing keeps the sandbox', async (t) => {
    const sandbox = start(t)
    // control is heard, and the outputs are not: the agent can't have said all, and does not wait for it
    sandbox.to.write(job('head -c 400000 /dev/zero; head -c 400000 /dev/zero >&2', 500))
    const heard = listen(sandbox)
    assert.equal(await sandbox.ended, 0)
    assert.deepEqual(
      heard.c?.map((each) => each[0]).map((tag) => String.fromCharCode(tag ?? 0)),
      ['S', 'T'],
    )
    assert.equal(Buffer.concat(heard.o ?? []).length, WINDOW)
  })

  test('whatever it is sent: no complaint of the sanitizers, and it ends with its lifeline', async () => {
    const bytes = fc.uint8Array({ maxLength: 40 }).map((each) => Buffer.from(each))
    const number = fc.constantFrom(0, 1, 5, WINDOW, WINDOW + 1, 1 << 24, 2 ** 32 - 1)
    const part = fc.oneof(
      fc.tuple(fc.constantFrom(...'ciCIOEoe?'), bytes).map(([tag, body]) => frame(tag, body)),
      fc.tuple(fc.constantFrom(...'COE'), number).map(([tag, each]) => frame(tag, u32(each))),
      fc.constantFrom(
        job('cat; echo x >&2'),
        job('exec 0<&-; sleep 1'),
        job('head -c 200000 /dev/zero'),
        control(frame('q')),
        control(frame('y', u32(24), u32(80))),
        control(frame('o', words('/tmp'), Buffer.alloc(1), words('job'))),
        frame('i', Buffer.alloc(PIECE)),
        frame('i'),
        frame('c'),
        frame('c', Buffer.alloc(PIECE)),
      ),
      { weight: 1, arbitrary: bytes },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 12 }), fc.boolean(), async (parts, reads) => {
        const done: (() => Promise<void> | void)[] = []
        const sandbox = start({ after: (each) => void done.push(each) })
        if (reads) sandbox.from.resume()
        for (const each of parts) sandbox.to.write(each)
        await new Promise((resolve) => setTimeout(resolve, 20))
        for (const each of done) await each()
        assert.ok([0, 1].includes((await sandbox.ended) ?? -1), sandbox.complaints())
        assert.doesNotMatch(sandbox.complaints(), /Sanitizer|runtime error|bwrap/)
      }),
      { numRuns: Number.POSITIVE_INFINITY, interruptAfterTimeLimit: SECONDS * 1000 },
    )
  })
})
