/** `tty` of a run in the library: what is typed, shown and bounded, without a terminal in sight. */
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import type { RunOptions } from '../../src/index.js'
import { UsageError } from '../../src/index.js'
import { parse } from '../policy/harness.js'
import { marker, noSleeper } from '../run/tools.js'
import { box, py, SKIP, sh, theGlovebox } from '../support/boxes.js'

const tty = { columns: 80, rows: 24 }
const MiB = 1024 ** 2
const PLAIN = parse({ version: 1, waive: ['limits.memory'], limits: { output: '256MiB' } })

const run = (argv: readonly string[], options: RunOptions = {}, policy = {}) =>
  box(argv, { tty, ...options }, policy)

describe('a terminal in the library', { skip: SKIP }, () => {
  test('the end of stdin is typed: a program that reads to the end gets one', async () => {
    for (const [stdin, shown] of [
      ['', ''],
      ['line\n', 'line\r\nline\r\n'],
      ['unfinished', 'unfinishedunfinished'],
    ] as const) {
      const result = await run(['cat'], { stdin: Buffer.from(stdin) })
      assert.deepEqual([result.exitCode, result.text()], [0, shown])
    }
    assert.equal((await run(['cat'])).exitCode, 0)
  })

  test('standard error is the same terminal', async () => {
    const result = await run(sh('echo one; echo two >&2; [ -t 0 ] && [ -t 1 ] && [ -t 2 ]'))
    assert.deepEqual([result.exitCode, result.text(), result.stderr.length], [0, 'one\r\ntwo\r\n', 0])
  })

  test('a size may change at any time, and only to one that there is', async () => {
    const under = (await theGlovebox()).run(PLAIN, sh('echo up; read x; stty size'), {
      tty,
      stdin: () => typing,
    })
    under.resize({ columns: 70, rows: 20 })
    const typing = new Readable({ read() {} })
    under.stdout.once('data', () => {
      under.resize({ columns: 71, rows: 21 })
      typing.push('\n')
      typing.push(null)
    })
    assert.match((await under).text(), /21 71\r\n$/)
    under.resize({ columns: 1, rows: 1 }) // it is over: nothing happens
    for (const columns of [0, -1, 1.5, 65_536, Number.NaN]) {
      assert.throws(() => under.resize({ columns, rows: 1 }), UsageError)
      await assert.rejects(run(['true'], { tty: { columns, rows: 1 } }), { code: 'tty.size' })
    }
    const pipes = (await theGlovebox()).run(PLAIN, ['tty'])
    pipes.resize(tty)
    assert.equal((await pipes).text(), 'not a tty\n')
  })

  test('all that was written before the end is shown, however slowly it is read', async () => {
    const script = 'import os\nfor i in range(3000): os.write(1, b"%05d\\n" % i)'
    const under = (await theGlovebox()).run(PLAIN, py(script), { tty, buffer: false })
    let shown = ''
    for await (const chunk of under.stdout) {
      shown += chunk
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    assert.equal((await under).exitCode, 0)
    assert.equal(shown.length, 3000 * 7)
    assert.ok(shown.endsWith('02999\r\n'))
  })

  test('what was written before a deadline is shown', async () => {
    const result = await run(sh('seq 1 50; sleep 60'), {}, { lifetime: { deadline: '1500ms' } })
    assert.equal(result.reason, 'deadline')
    assert.match(result.text(), /\n50\r\n$/)
  })

  test('limits.output and lifetime.noOutput hold as for pipes', async () => {
    const loud = await run(['yes'], {}, { limits: { output: '64KiB' } })
    assert.deepEqual([loud.reason, loud.stdout.length], ['output', 65_536])
    const silent = await run(['sleep', '60'], {}, { lifetime: { noOutput: '500ms' } })
    assert.equal(silent.reason, 'noOutput')
  })

  test('100 MB through it: nobody holds more than a little of them', async () => {
    const script = 'head -c 104857600 /dev/zero | tr "\\0" x'
    const under = (await theGlovebox()).run(PLAIN, sh(script), { tty, buffer: false })
    let bytes = 0
    let most = 0
    for await (const chunk of under.stdout) {
      bytes += chunk.length
      most = Math.max(most, process.memoryUsage().arrayBuffers)
    }
    const result = await under
    assert.deepEqual([result.exitCode, bytes], [0, 104_857_600])
    assert.ok(most < 64 * MiB, `${most}`)
    const { peakMemoryBytes } = result.report.usage
    assert.ok(peakMemoryBytes < 32 * MiB, `${peakMemoryBytes}`)
  })

  test('typed faster than it is read: it waits, and nothing is lost', async () => {
    const script =
      'import os,tty; tty.setraw(0); os.write(1,b"up"); n=0\nwhile n<3000000: n+=len(os.read(0,4096))\nprint(n)'
    const typed = Readable.from([Buffer.alloc(3_000_000, 'x')])
    const under = (await theGlovebox()).run(PLAIN, py(script), { tty, stdin: () => typing })
    const typing = new Readable({ read() {} })
    under.stdout.once('data', async () => {
      for await (const part of typed) typing.push(part)
    })
    const result = await under
    assert.equal(result.exitCode, 0)
    assert.match(result.text(), /3000000/)
  })

  test('nobody reads it any more: the job is told as when a window is closed', async () => {
    const mark = marker()
    const under = (await theGlovebox()).run(
      PLAIN,
      sh(`while sleep ${mark}; do :; done & while :; do echo on; done`),
      {
        tty,
        buffer: false,
      },
    )
    under.stdout.once('data', () => under.stdout.destroy())
    const result = await under
    assert.deepEqual([result.reason, result.signal], ['signal', 'SIGHUP'])
    await noSleeper(mark)
  })

  test('outputs are collected as ever', async () => {
    const result = await run(sh('echo made > out; seq 1 20000'), { outputs: ['out'] })
    assert.equal(Buffer.from(result.outputs.out ?? []).toString(), 'made\n')
    assert.match(result.text(), /\n20000\r\n$/)
  })

  test('the report says what the terminal is', async () => {
    const { report } = await run(['true'])
    const claim = report.claims.find(({ id }) => id === 'isolation.no-terminal')
    assert.equal(claim?.status, 'enforced')
    assert.ok(claim?.by.some((by) => by.includes('devpts')))
  })
})
