/**
 * The programs for arm64, run by QEMU's user mode where the machine is another: what they parse, check and say, and a
 * command's whole way with the agent as first process. QEMU passes system calls on to this machine's kernel, so the seccomp
 * filter for arm64, and namespaces as an arm64 kernel makes them, are not tested here. Nor is cell's launcher: QEMU refuses
 * it to be a subreaper.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { describe, test } from 'node:test'
import { FrameReader, frame, u32, u64 } from '../../src/boundary/agent/wire.js'
import { launchHead, launchRequest } from '../../src/boundary/cell/request.js'
import { boundaryNamed } from '../../src/boundary/index.js'
import { bubblewrap } from '../../src/boundary/process/program.js'
import { hostOf, planFor } from '../../src/sandbox/index.js'
import { everyStep } from '../microvm/every-step.js'
import { HOSTS } from '../plan/hosts.js'
import { parse } from '../policy/harness.js'
import { HANG } from '../run/tools.js'
import { SKIP } from '../support/boxes.js'
import { ROOT, sharedFolder, testFolder } from '../support/checkout.js'

const NATIVE = process.arch === 'arm64'
const GCC = NATIVE ? 'gcc' : 'aarch64-linux-gnu-gcc'
const QEMU = ['/usr/bin/qemu-aarch64-static', '/usr/bin/qemu-aarch64'].find((file) => existsSync(file))
const skip =
  (!NATIVE && QEMU === undefined && 'qemu-user-static is not installed') ||
  (spawnSync(GCC, ['--version']).status !== 0 && `there is no ${GCC} here`)

/** argv that runs a program for arm64. */
const run = (...argv: string[]): string[] => (NATIVE || QEMU === undefined ? argv : [QEMU, ...argv])

let built = false
function program(name: 'cell' | 'agent' | 'guest'): string {
  if (!built)
    execFileSync(process.execPath, [join(ROOT, 'scripts/build.mjs'), 'native', 'package'], { stdio: 'pipe' })
  built = true
  return join(ROOT, 'dist/native/arm64', name)
}

/** A test program of ours, for arm64. */
function compiled(name: string, sources: readonly string[]): string {
  const file = join(sharedFolder(), name)
  const flags = ['-std=c11', '-D_GNU_SOURCE=', '-O2', '-static', '-Inative', '-fstack-protector-strong']
  execFileSync(GCC, [...flags, '-o', file, ...sources], { cwd: ROOT, stdio: 'pipe' })
  return file
}

const outcome = (argv: readonly string[], env: NodeJS.ProcessEnv = {}) => {
  const { status, stdout, stderr } = spawnSync(argv[0] ?? '', argv.slice(1), {
    encoding: 'utf8',
    env,
    ...HANG,
  })
  return { status, stdout, stderr }
}

describe('for arm64', { skip }, () => {
  test('cell says how it is used, whatever is missing or wrong', () => {
    const cell = program('cell')
    const right = ['--cell-sha256', 'a', '--agent-sha256', 'b', '--agent', '/a', '--bwrap', '/b']
    for (const args of [
      [],
      ['--single'],
      ['--help'],
      right,
      right.slice(0, -1),
      [...right, '--cgroup', 'memory'],
      [...right, '--cgroup', 'memory:relative'],
      [...right, '--other', '/x'],
    ]) {
      const { status, stderr } = outcome(run(cell, ...args))
      assert.deepEqual([status, stderr.startsWith('usage: cell [--single]')], [2, true], stderr)
    }
  })

  test('cell starts as what it was built as, with the agent that it was built with, and not otherwise', () => {
    const agent = program('agent')
    const sources = ['test/native/integrity.c', 'native/cell/integrity.c', 'native/common/sha256.c']
    const self = compiled('integrity', sources)
    const [own, its] = [self, agent].map((file) =>
      createHash('sha256').update(readFileSync(file)).digest('hex'),
    )
    const wrong = '0'.repeat(64)
    const check = (...args: string[]) => outcome(run(self, ...args))
    assert.deepEqual(check(own ?? '', agent, its ?? ''), { status: 0, stdout: '', stderr: '' })
    assert.deepEqual(check(wrong, agent, its ?? ''), {
      status: 1,
      stdout: '',
      stderr: `cell: integrity: cell: 0: its SHA-256 is ${own}, and ${wrong} is expected\n`,
    })
    assert.match(check(own ?? '', agent, wrong).stderr, /^cell: integrity: agent: 0: its SHA-256 is/)
    assert.match(check(own ?? '', '/nowhere', its ?? '').stderr, /^cell: integrity: agent: \d+: /)
  })

  test('SHA-256 by its instructions and without', (t) => {
    const file = join(testFolder(t), 'bytes')
    const bytes = randomBytes(100_003)
    writeFileSync(file, bytes)
    const { stdout } = outcome(
      run(compiled('sha256', ['test/native/sha256.c', 'native/common/sha256.c']), file),
    )
    const lines = stdout.trim().split('\n')
    assert.equal(lines.length, 301)
    for (const line of lines) {
      const [length, quick, slow] = line.split(' ')
      const expected = createHash('sha256')
        .update(bytes.subarray(0, Number(length)))
        .digest('hex')
      assert.deepEqual([quick, slow], [expected, expected], `${length} bytes`)
    }
  })

  test("cell's parser takes what this library sends, and refuses what is broken", (t) => {
    const folder = testFolder(t)
    const boundary = boundaryNamed('process') ?? assert.fail('no process boundary')
    const files = Object.values(HOSTS).map((host, each) => {
      const plan = planFor(parse({ version: 1 }), boundary, host)
      const file = join(folder, `${each}`)
      writeFileSync(
        file,
        Buffer.concat([launchHead(1, plan, host, 1), launchRequest(plan, host, bubblewrap)]),
      )
      return file
    })
    const fuzz = compiled('request-fuzz', ['test/native/request-fuzz.c', 'native/cell/request.c'])
    const seed = `${Math.floor(Math.random() * 2 ** 48)}`
    const { status, stdout, stderr } = outcome(run(fuzz, seed, '1', ...files))
    assert.equal(status, 0, `seed ${seed}: ${stderr}`)
    const [accepted = 0, refused = 0] = stdout.match(/\d+/g)?.map(Number) ?? []
    assert.ok(accepted > 50 && refused > 50, `both ways are gone: ${stdout}`)
  })

  test("guest's parser takes the steps that this library sends, and refuses what is broken", (t) => {
    const folder = testFolder(t)
    const files = everyStep().map((steps, each) => {
      const file = join(folder, `${each}`)
      writeFileSync(file, Buffer.concat(steps))
      return file
    })
    const fuzz = compiled('steps-fuzz', ['test/native/steps-fuzz.c', 'native/guest/parse.c'])
    const seed = `${Math.floor(Math.random() * 2 ** 48)}`
    const { status, stdout, stderr } = outcome(run(fuzz, seed, '1', ...files))
    assert.equal(status, 0, `seed ${seed}: ${stderr}`)
    const [accepted = 0, refused = 0] = stdout.match(/\d+/g)?.map(Number) ?? []
    assert.ok(accepted > 50 && refused > 50, `both ways are gone: ${stdout}`)
  })

  test('guest runs as the first process of a machine only', () => {
    const { status, stderr } = outcome(run(program('guest')))
    assert.deepEqual([status, stderr], [2, 'guest: runs only as the first process of a virtual machine\n'])
  })

  test('the agent runs as the first process of a sandbox only', () => {
    const { status, stderr } = outcome(run(program('agent')))
    assert.deepEqual([status, stderr], [2, 'agent: runs only as the first process of a sandbox\n'])
  })

  const words = (text: string) => Buffer.from(text)
  const START = [
    frame('w', words('/tmp/job')),
    frame('v', words('PATH=/usr/bin:/bin')),
    frame('r', u32(7), u64(64), u64(64)),
    frame('t', u32(30_000)),
  ]
  const command = (...argv: string[]) => [...argv.map((item) => frame('x', words(item))), frame('g')]
  const output = (below: string) => frame('o', words('/tmp/job'), Buffer.alloc(1), words(below))

  test('a command with an input and an output, from the first message to the last', {
    skip: SKIP,
  }, async () => {
    const input = [frame('f', u32(0o644), words('/tmp/job/in')), frame('b', Buffer.alloc(300_000, 'x'))]
    const script = 'wc -c < in; mkdir out; cp in out/copy; exit 3'
    const said = await converse(
      [...START, ...input, ...command('sh', '-c', script)],
      [output('out'), output('missing'), frame('q')],
    )
    assert.match(said.tags, /^SEDFB+ZMZ$/)
    assert.equal(said.stdout, '300000\n')
    assert.deepEqual(said.end, [0, 3], 'by exit, with 3')
    assert.equal(said.complaints, '')
  })

  test('a command that is not there, a deadline, and messages that it never gets', {
    skip: SKIP,
  }, async () => {
    assert.equal((await converse([...START, ...command('/nowhere')])).tags, 'N')
    const late = [...START.slice(0, -1), frame('t', u32(300)), ...command('sleep', '60')]
    assert.equal((await converse(late)).tags, 'ST')
    for (const junk of [
      frame('?'),
      frame('b', words('of no file')),
      Buffer.alloc(64, 0xff),
      frame('r', words('1')),
    ]) {
      const { tags, status } = await converse([...START, junk, ...command('true')])
      assert.match(tags, /^I?$/)
      assert.ok(status !== null && status < 128, `${status}`)
    }
  })

  interface Said {
    readonly tags: string
    readonly stdout: string
    readonly complaints: string
    /** exit or signal, and its number */
    readonly end: readonly number[]
    readonly status: number | null
  }

  /** Sends `parts`, `atEnd` when the command has ended, and hangs up when nothing more is to come. */
  async function converse(parts: readonly Buffer[], atEnd: readonly Buffer[] = []): Promise<Said> {
    const bound = [program('agent'), ...(NATIVE || QEMU === undefined ? [] : [QEMU])]
    const files = bound.flatMap((file, each) => ['--ro-bind', file, `/tmp/${each}`])
    const places = bound.map((_, each) => `/tmp/${each}`).reverse()
    const box = ['--unshare-user', '--unshare-pid', '--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev']
    const args = [
      ...box,
      '--tmpfs',
      '/tmp',
      '--dir',
      '/tmp/job',
      ...files,
      '--die-with-parent',
      '--as-pid-1',
      '--',
    ]
    const child = spawn(hostOf().bubblewrap ?? 'bwrap', [...args, ...places], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
      env: {},
      ...HANG,
    })
    const [control, stdin, stdout, stderr] = child.stdio.slice(3) as [Duplex, Duplex, Duplex, Duplex]
    let [tags, text, complaints, end] = ['', '', '', [] as number[]]
    for (const stream of [control, stdin, stdout, stderr]) stream.on('error', () => {})
    stderr.resume()
    stdout.on('data', (part) => {
      text += part
    })
    child.stderr?.on('data', (part) => {
      complaints += part
    })
    const exit = once(child, 'close')
    const reader = new FrameReader(1 << 20)
    control.on('data', (part: Buffer) => {
      for (const { tag, bytes } of reader.push(part)) {
        tags += tag
        if (tag !== 'E') continue
        end = [bytes.readUInt32LE(0), bytes.readUInt32LE(4)]
        for (const each of atEnd) control.write(each)
        if (atEnd.length === 0) control.end()
      }
    })
    for (const part of parts) control.write(part)
    const [status] = await exit
    return { tags, stdout: text, complaints, end, status }
  }
})
