/**
 * The attack: a job that ends, or speaks in place of, the thread which carries its output. It would say that it exited with 0, or
 * outlive a host that is gone.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe } from 'node:test'
import { finished } from '../support/spawned.js'
import { asEachNetworkUser } from '../support/users.js'
import { begin, startAgent, talkTo } from './carried-agent.js'

/** $1: the process; what of it this one gets at, a line each. */
const LOOK = [
  'ls /proc/$1/fd > seen 2>&1 && test -s seen && echo fds',
  'for each in /proc/$1/task/*; do test -n "$(ls $each/fd 2>&1 | grep -x 0)" && echo thread; done',
  'readlink /proc/$1/fd/0 && echo link',
  'cat /proc/$1/environ > seen 2>&1 && echo environ',
  'head -c 0 /proc/$1/mem 2>/dev/null && echo mem',
].join('\n')

/** $1: the process; each of its threads, too. */
const END = [
  'kill -STOP $1; kill -TERM $1; kill -KILL $1',
  'for each in /proc/$1/task/*; do kill -KILL "$(basename $each)"; done',
].join('\n')

/** close_range(2) fails with EINVAL, as on gVisor: load its number, compare, EINVAL or allow. */
const NO_RANGES = Buffer.concat(
  [
    [0x20, 0, 0, 0],
    [0x15, 0, 1, 436],
    [0x06, 0, 0, 0x00050016],
    [0x06, 0, 0, 0x7fff0000],
  ].map(([code = 0, yes = 0, no = 0, k = 0]) => {
    const instruction = Buffer.alloc(8)
    instruction.writeUInt16LE(code)
    instruction.writeUInt8(yes, 2)
    instruction.writeUInt8(no, 3)
    instruction.writeUInt32LE(k, 4)
    return instruction
  }),
)

describe('the carrier, and the job beside it', () => {
  asEachNetworkUser('its descriptors, memory and environment are nobody’s to read', async (user, t) => {
    const outside = await finished(
      user.as([
        'sh',
        '-c',
        `cd "$(mktemp -d)"; sleep 60 & set -- $!; sleep 0.1\n${LOOK}\nkill $1; rm -r "$PWD"`,
      ]),
      { cwd: '/' },
    )
    const found = outside.stdout.trim().split('\n')
    for (const each of ['fds', 'thread', 'link', 'environ', 'mem'])
      assert.ok(found.includes(each), `${each} fails outside too: ${outside.stdout}${outside.stderr}`)

    const talk = talkTo(startAgent(t, { user }))
    const { end } = await begin(
      talk,
      `set -- 1; ls /proc/1/task | wc -l\n${LOOK}\nls /proc/self/fd | xargs echo`,
    )
    let out = ''
    for await (const part of talk.streams.stdout) out += part
    // two threads; and its own three descriptors, with the one that ls looks through
    assert.equal(out, '2\n0 1 2 3\n')
    assert.equal((await end).kind, 'exited')
    talk.conversation.close()
    await talk.ended
  })

  asEachNetworkUser(
    'nothing is inherited, also where the kernel marks no range of descriptors',
    async (user, t) => {
      for (const filter of [undefined, NO_RANGES]) {
        const how = { user, before: 'exec 9</etc/passwd', ...(filter && { filter }) }
        const talk = talkTo(startAgent(t, how))
        const { end } = await begin(talk, 'ls /proc/self/fd | xargs echo')
        let out = ''
        for await (const part of talk.streams.stdout) out += part
        assert.equal(out, '0 1 2 3\n')
        assert.equal((await end).kind, 'exited')
        talk.conversation.close()
        await talk.ended
      }
      const bare = await finished(
        user.as(['sh', '-c', 'ls /proc/self/fd | xargs echo'], 'exec 9</etc/passwd'),
      )
      assert.match(bare.stdout, / 9/)
    },
  )

  asEachNetworkUser('no signal to it, its threads or everything ends or stops it', async (user, t) => {
    const outside = await finished(user.as(['sh', '-c', `sleep 60 & set -- $!\n${END}\nwait $1; echo $?`]), {
      cwd: '/',
    })
    assert.match(outside.stdout, /^1(37|43)\n$/, outside.stderr) // by whichever of two signals came first

    const talk = talkTo(startAgent(t, { user }))
    const { end } = await begin(
      talk,
      `set -- 1; sleep 60 & ${END} 2>/dev/null\nkill -KILL -1; wait; ls /proc/1/task | wc -l; echo carried; exit 9`,
    )
    let out = ''
    for await (const part of talk.streams.stdout) out += part
    assert.equal(out, '2\ncarried\n')
    const last = await end
    assert.equal('code' in last && last.code, 9)
    talk.conversation.close()
    assert.equal(await talk.ended, 0)
  })

  /** The attack: what the job prints looks like the first process's own frames. */
  asEachNetworkUser('a job that prints frames prints bytes', async (user, t) => {
    const forged = Buffer.concat([Buffer.from('c\x15\0\0\0E\x10\0\0\0'), Buffer.alloc(16), randomBytes(9)])
    const talk = talkTo(startAgent(t, { user }))
    const { end } = await begin(talk, 'cat; exit 6')
    talk.streams.stdin.end(forged)
    const parts: Buffer[] = []
    for await (const part of talk.streams.stdout) parts.push(part)
    assert.ok(Buffer.concat(parts).equals(forged))
    const last = await end
    assert.equal('code' in last && last.code, 6)
    talk.conversation.close()
    await talk.ended
  })
})
