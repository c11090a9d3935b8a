/**
 * The attack: a gateway that was taken over writes to its channel what Node never would. A regression would show as the end of this
 * test's own process, as it would be the end of a server with all that it serves.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { guardChannel } from '../../src/gateway/channel-guard.js'

/** `code` has the descriptor of its channel as `channel`. */
function saying(code: string): ChildProcess {
  const program = `const { writeSync } = require('node:fs'); const channel = 3; ${code}; setInterval(() => {}, 1000)`
  return spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
}

describe('the channel of a gateway that is not itself', () => {
  const breaches: Readonly<Record<string, string>> = {
    'what is no JSON': String.raw`writeSync(channel, 'x\n')`,
    'half of a message, and another': String.raw`writeSync(channel, '{"kind":\n{}\n')`,
    'an answer to a handle that nobody sent': String.raw`writeSync(channel, '{"cmd":"NODE_HANDLE_ACK"}\n')`,
    'a refusal of one': String.raw`writeSync(channel, '{"cmd":"NODE_HANDLE_NACK"}\n')`,
    'a handle that is announced and does not come': String.raw`writeSync(channel, '{"cmd":"NODE_HANDLE","type":"net.Nothing"}\n')`,
    'a handle': `const server = require('node:net').createServer().listen(0, '127.0.0.1', () => process.send('x', server))`,
    'a line without end': `const much = Buffer.alloc(1 << 20, 0x20); setInterval(() => { try { writeSync(channel, much) } catch {} }, 1)`,
  }
  for (const [what, code] of Object.entries(breaches))
    test(`${what} is the end of it, and of nobody else`, async () => {
      const child = saying(code)
      guardChannel(child, () => child.kill('SIGKILL'))
      const [, signal] = await once(child, 'exit')
      assert.equal(signal, 'SIGKILL')
    })

  test('control: what Node says is heard, in pieces and together, and its end as well', async () => {
    const child = saying(`for (let at = 0; at < 300; at++) process.send({ at, text: 'x'.repeat(at * 500) })`)
    const heard: number[] = []
    child.on('message', ({ at }: { at: number }) => heard.push(at))
    guardChannel(child, () => assert.fail('no breach'))
    while (heard.length < 300) await setTimeout(5)
    assert.deepEqual(
      heard,
      heard.map((_, index) => index),
    )
    child.kill('SIGKILL')
    await once(child, 'close')
  })
})
