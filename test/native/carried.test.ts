/**
 * A sandbox that is handed no descriptors: all that is said with its first process and its job goes over two streams. What a pipe
 * and a socket promise each by itself holds there too: nothing waits for what nobody reads, ends are told apart, and when the
 * host is gone, so is everything.
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as after } from 'node:timers/promises'
import { SKIP } from '../support/boxes.js'
import { asEachNetworkUser, USERS } from '../support/users.js'
import {
  begin,
  command,
  FILTER,
  FILTERS,
  type Sandbox,
  settings,
  startAgent,
  type Talk,
  talkTo,
} from './carried-agent.js'
import { NO_SANITIZERS, sanitized, sourcesOf } from './sanitized.js'

const MiB = 1024 ** 2

async function whole(stream: Readable): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}

const textOf = async (stream: Readable) => (await whole(stream)).toString()

async function ended({ streams, conversation, ended: end, complaints }: Talk, expected = 0) {
  conversation.close()
  assert.equal(await end, expected, complaints())
  assert.equal(complaints(), '')
  streams.close()
}

/** Random bytes, `count` MiB of them, written as fast as they are taken; their SHA-256. */
async function feedTo(stdin: Writable, count: number): Promise<string> {
  const [hash, piece] = [createHash('sha256'), randomBytes(MiB)]
  for (let each = 0; each < count; each++) {
    piece.writeUInt32LE(each)
    hash.update(piece)
    if (!stdin.write(Buffer.from(piece))) await once(stdin, 'drain')
  }
  stdin.end()
  return hash.digest('hex')
}

async function hashOf(stdout: Readable): Promise<string> {
  const hash = createHash('sha256')
  for await (const part of stdout) hash.update(part)
  return hash.digest('hex')
}

/** Processes of this host whose arguments have `marker`. */
const processesWith = (marker: string) =>
  readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(marker)
    } catch {
      return false
    }
  })

async function noneLeft(marker: string): Promise<void> {
  while (processesWith(marker).length > 0) await after(20) // the kernel ends them; a test that hangs here found one
}

type Start = (t: TestContext, how?: { readonly pipes?: boolean; readonly filter?: Uint8Array }) => Sandbox

/** All of what follows, for one program and user. */
function promises(
  each: (name: string, body: (t: TestContext, start: Start) => Promise<void>) => void,
  mebibytes: number,
) {
  each('a command with input, output, errors and an exit code', async (t, start) => {
    const talk = talkTo(start(t))
    const { end } = await begin(talk, 'cat; echo errors >&2; exit 3')
    talk.streams.stdin.end('words')
    const [out, err] = await Promise.all([textOf(talk.streams.stdout), textOf(talk.streams.stderr)])
    assert.deepEqual([out, err], ['words', 'errors\n'])
    const { kind, ...rest } = await end
    assert.deepEqual([kind, 'code' in rest && rest.code], ['exited', 3])
    await ended(talk)
  })

  each('over pipes, behind the filters of the process boundary', async (t, start) => {
    const talk = talkTo(start(t, { pipes: true, filter: FILTER }))
    const { end } = await begin(talk, 'cat; exit 4', { filters: FILTERS, rlimits: [[7, 64, 64]] })
    const [sent, got] = await Promise.all([feedTo(talk.streams.stdin, 3), hashOf(talk.streams.stdout)])
    assert.equal(got, sent)
    assert.equal((await end).kind, 'exited')
    await ended(talk)
  })

  each('what goes through the job comes back whole, however much', async (t, start) => {
    const talk = talkTo(start(t))
    const { end } = await begin(talk, 'exec cat')
    const [sent, got] = await Promise.all([
      feedTo(talk.streams.stdin, mebibytes),
      hashOf(talk.streams.stdout),
    ])
    assert.equal(got, sent)
    assert.equal((await end).kind, 'exited')
    await ended(talk)
  })

  each(
    'an output that nobody reads holds up neither the other, nor a signal, nor the end',
    async (t, start) => {
      const talk = talkTo(start(t))
      const script =
        'trap "echo told >&2; exit 7" TERM; cat /dev/zero & seq 300000 >&2; echo all >&2; while :; do wait; sleep 0.05; done'
      const { end } = await begin(talk, script)
      let errors = ''
      for await (const part of talk.streams.stderr) {
        errors += part
        if (errors.endsWith('all\n')) talk.conversation.signal(15)
      }
      assert.ok(errors.includes('\n299999\n300000\nall\n'))
      assert.ok(errors.endsWith('told\n'), errors.slice(-40))
      const last = await end
      assert.equal('code' in last && last.code, 7)
      await ended(talk)
    },
  )

  each('an input that the job never reads is taken up to a bound, and holds up nothing', async (t, start) => {
    const talk = talkTo(start(t))
    const { end } = await begin(talk, 'echo runs; exec sleep 60')
    await once(talk.streams.stdout, 'data')
    let taken = 0
    for (let each = 0; each < 64; each++)
      talk.streams.stdin.write(Buffer.alloc(64 * 1024), (error) => {
        if (!error) taken += 64 * 1024
      })
    await after(300)
    assert.ok(taken < MiB, `${taken} bytes were taken`)
    talk.conversation.signal(15)
    assert.equal((await end).kind, 'signal')
    await ended(talk)
  })

  each('a job that closes its input: the next write says so', async (t, start) => {
    const talk = talkTo(start(t))
    const { end } = await begin(talk, 'exec 0<&-; echo closed; exec sleep 60')
    await once(talk.streams.stdout, 'data')
    const refused = once(talk.streams.stdin, 'error')
    const writing = setInterval(() => talk.streams.stdin.write('x'), 20)
    const [error] = await refused
    clearInterval(writing)
    assert.equal(error.code, 'EPIPE')
    talk.conversation.signal(9)
    await end
    await ended(talk)
  })

  each('an output that its reader leaves: the job’s next write is a broken pipe', async (t, start) => {
    const talk = talkTo(start(t))
    const { end } = await begin(talk, 'cat /dev/zero; echo $? >&2')
    await once(talk.streams.stdout, 'data')
    talk.streams.stdout.destroy()
    assert.equal(await textOf(talk.streams.stderr), '141\n')
    assert.equal((await end).kind, 'exited')
    await ended(talk)
  })

  each('what a job wrote before it ended is there when the sandbox is gone', async (t, start) => {
    const talk = talkTo(start(t))
    // more than the window: the rest of it lies in the pipe
    const { end } = await begin(talk, 'head -c 320000 /dev/zero; echo last >&2; exit 5')
    assert.equal((await end).kind, 'exited')
    await talk.streams.lastWords()
    talk.conversation.close()
    assert.equal(await talk.ended, 0)
    assert.equal((await whole(talk.streams.stdout)).length, 320_000)
    assert.equal(await textOf(talk.streams.stderr), 'last\n')
  })

  each('inputs go in, and folders are collected, while the outputs are not read', async (t, start) => {
    const talk = talkTo(start(t))
    const content = randomBytes(2 * MiB)
    const input = { path: '/tmp/job/sub/in', mode: 0o644, content: [content] }
    const script = 'mkdir -p out/d; cp sub/in out/d/copy; echo small > out/note; head -c 200000 /dev/zero'
    const { end } = await begin(talk, script, {}, { inputs: [input] })
    assert.equal((await end).kind, 'exited')
    const found = new Map<string, Buffer | null>()
    for await (const entry of talk.conversation.collect('/tmp/job', 'out')) {
      assert.ok(entry.kind === 'file' || entry.kind === 'folder')
      const bytes: Uint8Array[] = []
      if (entry.kind === 'file') for await (const part of entry.content) bytes.push(part)
      found.set(entry.path, entry.kind === 'file' ? Buffer.concat(bytes) : null)
    }
    assert.deepEqual([...found.keys()].sort(), ['out', 'out/d', 'out/d/copy', 'out/note'])
    assert.ok(found.get('out/d/copy')?.equals(content))
    await ended(talk)
  })

  each('a deadline is told, with what the job said before it', async (t, start) => {
    const talk = talkTo(start(t))
    const { end } = await begin(talk, 'trap "" TERM; echo before; while :; do sleep 1; done', {
      deadlineMs: 300,
    })
    const out = textOf(talk.streams.stdout)
    assert.equal((await end).kind, 'deadline')
    await talk.streams.lastWords()
    await ended(talk)
    assert.equal(await out, 'before\n')
  })

  each('a deadline holds where the host reads nothing at all', async (t, start) => {
    const talk = talkTo(start(t))
    talk.from.pause()
    await talk.conversation.start(command(['cat', '/dev/zero']), settings({ deadlineMs: 300 }))
    assert.equal(await talk.ended, 0)
  })

  each('a command that is not there, and one that can’t be begun', async (t, start) => {
    const talk = talkTo(start(t))
    await talk.conversation.start(command(['/nowhere']), settings())
    const end = await talk.conversation.commandEnd(() => assert.fail('it runs'))
    assert.ok(end.kind === 'notStarted' && end.cause === 'notFound')
    await ended(talk)
    const other = talkTo(start(t))
    await other.conversation.start(command(['true']), settings({ deadlineMs: 0 }))
    assert.equal((await other.conversation.commandEnd(() => {})).kind, 'broken')
    assert.equal(await other.ended, 1)
  })

  each('a terminal', async (t, start) => {
    const talk = talkTo(start(t))
    const script = 'tty; stty size; read line; stty size; echo "[$line]"; exec seq 20000'
    const terminal = { rows: 25, columns: 90, name: 'xterm' }
    const { end } = await begin(talk, script, {}, { terminal })
    let shown = ''
    const all = (async () => {
      for await (const part of talk.streams.stdout) {
        if (!shown.includes('25 90\r\n') && `${shown}${part}`.includes('25 90\r\n')) {
          talk.conversation.resize({ rows: 31, columns: 101 })
          talk.streams.stdin.write('word\n')
        }
        shown += part
      }
    })()
    assert.equal((await end).kind, 'exited')
    await all
    assert.match(shown.slice(0, 100), /^\/dev\/pts\/0\r\n25 90\r\nword\r\n/)
    assert.match(shown.slice(0, 100), /\r\n31 101\r\n\[word\]\r\n1\r\n/)
    assert.match(shown.slice(-20), /\n20000\r\n$/)
    await ended(talk)
  })

  each(
    'commands one after another: each with streams of its own, and folders as it is told',
    async (t, start) => {
      const talk = talkTo(start(t))
      const again = (folders: readonly string[]) =>
        talk.streams.renew(() =>
          talk.conversation.again({ folders: folders.map((path) => ({ path, mode: 0o755 })), ipc: false }),
        )
      const hard = 'mkdir -p a/b/c; echo x > a/b/c/d; chmod 0 a/b; ln -s /tmp l; mkfifo f; touch -- -x'
      for (const [script, input, folders] of [
        [`ls -A; cat; ${hard}; sleep 1000 &`, 'first', []],
        ['ls -A; cat', '', ['/tmp/job']],
        [`ls -A; cat; ${hard}; mkdir -p g/h`, 'y'.repeat(300_000), ['/tmp/job']],
        ['exec nothing-of-this-name', 'unread'.repeat(100_000), []],
        ['ls -A', '', ['/tmp/job', '/tmp/job']],
      ] as const) {
        const { end } = await begin(talk, script)
        talk.streams.stdin.end(input)
        const [out] = await Promise.all([textOf(talk.streams.stdout), textOf(talk.streams.stderr)])
        assert.equal((await end).kind, 'exited')
        if (script.includes('cat')) assert.ok(out.endsWith(input))
        if (folders.length > 0) assert.equal(out.slice(0, out.length - input.length), '')
        await again(script.includes('nothing') ? [] : ['/tmp/job'])
      }
      await talk.conversation.write({ path: '/tmp/job/in/a', mode: 0o600, content: [Buffer.from('put')] })
      await assert.rejects(
        talk.conversation.write({ path: '/tmp/job/in', mode: 0o600, content: [Buffer.from('x')] }),
        /EISDIR/,
      )
      const { end } = await begin(talk, 'cat in/a')
      assert.equal(await textOf(talk.streams.stdout), 'put')
      await end
      await ended(talk)
    },
  )

  each('half closes: the host has said all, and hears the job’s last words', async (t, start) => {
    const talk = talkTo(start(t))
    // more than the window: the rest lies in the pipe when the host has said all
    await begin(talk, 'head -c 320000 /dev/zero; echo written >&2; exec sleep 60')
    await once(talk.streams.stderr, 'data')
    talk.conversation.hangUp()
    await after(100) // that was no reason to go before it is read
    await talk.streams.lastWords()
    assert.equal((await whole(talk.streams.stdout)).length, 320_000)
    assert.equal(await talk.ended, 0)
  })

  each('the lifeline: closed at any moment, nothing is left', async (t, start) => {
    const marker = `31536${randomBytes(4).readUInt32LE()}`
    for (let round = 0; round < 25; round++) {
      const talk = talkTo(start(t))
      const script = `sleep ${marker} & setsid sleep ${marker} & cat /dev/zero & exec cat`
      talk.conversation.start(command(['sh', '-c', script]), settings())
      talk.streams.stdin.write(Buffer.alloc(MiB))
      if (round % 2 === 0) talk.streams.stdout.resume()
      await after(round * 3)
      if (round % 3 === 0) talk.streams.close()
      else if (round % 3 === 1) talk.conversation.close()
      else talk.conversation.hangUp()
      assert.ok([0, 1].includes((await talk.ended) ?? -1), talk.complaints())
    }
    await noneLeft(marker)
  })
}

describe('a carried conversation', () => {
  promises((name, body) => {
    asEachNetworkUser(name, (user, t) => body(t, (each, how = {}) => startAgent(each, { user, ...how })))
  }, 96)
})

describe('a carried conversation, under sanitizers', { skip: SKIP || NO_SANITIZERS }, () => {
  const [user] = USERS
  let program: string | null = null
  promises((name, body) => {
    test(name, (t) =>
      body(t, (each, { pipes = false } = {}) => {
        program ??= sanitized('agent-carried', sourcesOf('agent'))
        assert.ok(user)
        // without the filters: the sanitizers' own calls are not among those that a sandbox needs
        return startAgent(each, { user, program, pipes })
      }),
    )
  }, 16)
})
