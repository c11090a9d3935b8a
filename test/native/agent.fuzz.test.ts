/**
 * The first process of a sandbox under sanitizers, as bubblewrap starts it: it does its work without a complaint, and
 * whatever it is sent, it ends when its lifeline closes.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { Duplex } from 'node:stream'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { FrameReader, frame, u32, u64 } from '../../src/boundary/agent/wire.js'
import { hostOf } from '../../src/sandbox/index.js'
import { jobFilters } from '../../src/syscalls/index.js'
import { SKIP } from '../support/boxes.js'
import { NO_SANITIZERS, sanitized, sourcesOf } from './sanitized.js'

const SECONDS = Number(process.env.GLOVEBOX_FUZZ_SECONDS ?? 2)
const skip = SKIP || NO_SANITIZERS

let program: string | null = null
const agent = () => {
  program ??= sanitized('agent', sourcesOf('agent'))
  return program
}

interface Said {
  readonly tags: string
  readonly stdout: string
  /** of the sanitizers, or of the agent itself */
  readonly complaints: string
  readonly status: number | null
}

/** Sends `parts`, `atEnd` when the job has ended, and closes the lifeline when the agent said `until`, or soon. */
async function converse(
  parts: readonly Buffer[],
  until: RegExp | null,
  atEnd: readonly Buffer[] = [],
  typed?: string,
): Promise<Said> {
  const box = [
    '--unshare-user',
    '--unshare-pid',
    // what it is told to empty is the sandbox's
    '--unshare-ipc',
    '--ro-bind',
    '/',
    '/',
    '--proc',
    '/proc',
    '--dev',
    '/dev',
    '--tmpfs',
    '/tmp',
    '--dir',
    '/tmp/job',
    '--die-with-parent',
    '--as-pid-1',
  ]
  const child = spawn(
    hostOf().bubblewrap ?? 'bwrap',
    [...box, '--ro-bind', agent(), '/tmp/agent', '--', '/tmp/agent'],
    {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
      // leaks are looked for with ptrace, which nothing may use on this process
      env: { ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=0:exitcode=99', UBSAN_OPTIONS: 'exitcode=99' },
    },
  )
  const [control, stdin, stdout, stderr] = child.stdio.slice(3) as Duplex[]
  const texts = { out: '', complaints: '', tags: '' }
  for (const stream of [control, stdin, stdout, stderr]) stream?.on('error', () => {})
  stdin?.resume()
  stderr?.resume()
  stdout?.on('data', (part) => {
    texts.out += part
  })
  child.stderr?.on('data', (part) => {
    texts.complaints += part
  })
  const reader = new FrameReader(1 << 20)
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve))
  const heard = new Promise<void>((resolve) => {
    control?.on('data', (part: Buffer) => {
      for (const { tag } of reader.push(part)) {
        texts.tags += tag
        if (tag === 'E') for (const each of atEnd) control.write(each)
      }
      if (until?.test(texts.tags)) resolve()
    })
    control?.once('close', resolve)
    setTimeout(resolve, until === null ? 30 : 20_000).unref()
  })
  if (typed !== undefined) stdin?.write(typed)
  for (const part of parts) control?.write(part)
  await heard
  // what the job wrote is in its pipe by now, read or not
  for (let before = -1; before !== texts.out.length; ) {
    before = texts.out.length
    for (let turns = 0; turns < 2; turns++) await new Promise((resolve) => setImmediate(resolve))
  }
  for (const stream of [control, stdin, stdout, stderr]) stream?.destroy()
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  const status = await exit
  clearTimeout(timer)
  assert.equal(child.signalCode, null, 'it did not end when its lifeline closed')
  return { tags: texts.tags, stdout: texts.out, complaints: texts.complaints, status }
}

const words = (text: string) => Buffer.from(text)
const START = [
  frame('w', words('/tmp/job')),
  frame('v', words('PATH=/usr/bin:/bin')),
  frame('r', u32(7), u64(64), u64(64)),
  frame('t', u32(8000)),
]
const command = (...argv: string[]) => argv.map((item) => frame('x', words(item)))
const { gate, filter } =
  jobFilters({
    arch: process.arch === 'arm64' ? 'arm64' : 'x64',
    profile: 'compute',
    ...{ lock: null, deny: [], allow: [], inet: false, cpuPinned: false },
  }) ?? assert.fail()
const sealed = [frame('k', gate), frame('j', filter)]
const outputs = (below: string) => frame('o', words('/tmp/job'), Buffer.alloc(1), words(below))

describe('the first process, under sanitizers', { skip }, () => {
  test('a command with inputs and outputs of every kind', async () => {
    const script = 'cat in; mkdir -p out/d/e; cp in out/d/e/f; ln -s x out/z; mkfifo out/d/p; exit 3'
    const said = await converse(
      [
        ...START,
        frame('d', words('/tmp/job/sub/folder')),
        frame('f', u32(0o644), words('/tmp/job/in')),
        frame('b', Buffer.alloc(300_000, 'x')),
        frame('b', words('end')),
        ...command('sh', '-c', script),
        frame('g'),
      ],
      /(Z.*){6}/,
      [
        outputs('in'),
        outputs('out'),
        outputs('out/d/e/f'),
        outputs('missing'),
        outputs('out/z/x'),
        outputs(''),
        frame('q'),
      ],
    )
    assert.equal(said.complaints, '')
    assert.match(said.tags, /^SEFB+ZD.*XZFB+ZMZXZD.*XZ$/)
    assert.ok(said.stdout.endsWith('end'))
  })

  for (const [name, parts, tags] of [
    ['a command that is not there', command('/nowhere'), 'N'],
    ['a command that is a folder', command('/tmp'), 'N'],
    ['a name to look for', command('true'), 'SE'],
    ['an empty name', command(''), 'N'],
    ['no command', [], 'I'],
  ] as const)
    test(name, async () => {
      const said = await converse([...START, ...parts, frame('g')], /[ENIU]/)
      assert.equal(said.complaints, '')
      assert.equal(said.tags, tags)
    })

  for (const [name, parts, tags, out] of [
    [
      'a gate: one program, no second',
      [...sealed, ...command('sh', '-c', 'true 2>/dev/null; echo $?; /bin/true')],
      'SE',
      /^0\n/,
    ],
    ['a gate, and a command that is not there', [...sealed, ...command('nowhere')], 'N', /^$/],
    ['a gate without a filter behind it', [frame('k', gate), ...command('true')], 'SE', /^$/],
    ['a filter without a gate', [frame('j', filter), ...command('true')], 'SE', /^$/],
    ['a gate that the kernel refuses', [frame('k', Buffer.alloc(16)), ...command('true')], 'U', /^$/],
    [
      'a lock that is used',
      [
        ...sealed,
        frame('l', u32(0), words('lock me')),
        ...command(
          'sh',
          '-c',
          'echo no >&3; read a <&3; echo lock me >&3; read b <&3; echo $a $b; /bin/true || echo c',
        ),
      ],
      'SE',
      /^refused locked\nc\n/,
    ],
    ['a lock without a gate', [frame('l', u32(0), words('lock me')), ...command('true')], 'I', /^$/],
    ['a lock cut short', [...sealed, frame('l', u32(0)), ...command('true')], 'I', /^$/],
    ['half an instruction', [frame('j', Buffer.alloc(12)), ...command('true')], 'I', /^$/],
    ['two gates', [...sealed, frame('k', gate), ...command('true')], 'I', /^$/],
    [
      'a Landlock that no kernel has',
      [frame('a', u32(1000)), frame('p', u32(8), words('/')), ...command('true')],
      'U',
      /^$/,
    ],
    ['a label of no security module', [frame('c', u32(3), words('job')), ...command('true')], 'I', /^$/],
    ['a label cut short', [frame('c', u32(2)), ...command('true')], 'I', /^$/],
    ['a label that is too long', [frame('c', u32(2), Buffer.alloc(600, 'x')), ...command('true')], 'U', /^$/],
    [
      'a label that no security module here knows: no job without it',
      [frame('c', u32(2), words('no:such:context')), ...command('echo', 'ran')],
      'U',
      /^$/,
    ],
    ['a place that is no path', [frame('p', u32(8), words('job')), ...command('true')], 'I', /^$/],
  ] as const)
    test(name, async () => {
      const said = await converse([...START, ...parts, frame('g')], /[ENIU]/)
      assert.equal(said.complaints, '')
      assert.equal(said.tags, tags)
      assert.match(said.stdout, out)
    })

  test('a deadline, and a signal to the job', async () => {
    const late = await converse(
      [...START.slice(0, -1), frame('t', u32(100)), ...command('sleep', '60'), frame('g')],
      /[TE]/,
    )
    assert.deepEqual([late.tags, late.complaints], ['ST', ''])
    const signalled = await converse(
      [...START, ...command('sleep', '60'), frame('g'), frame('s', u32(15))],
      /[TE]/,
    )
    assert.deepEqual([signalled.tags, signalled.complaints], ['SE', ''])
  })

  test('a terminal, its size before and after the start, what is typed, and what is left at the end', async () => {
    const script = 'tty; stty size; read line; stty size; echo "[$line]"; seq 5000; exec seq 5000 9999'
    const said = await converse(
      [
        ...START,
        frame('y', u32(25), u32(90)),
        ...command('sh', '-c', script),
        frame('g'),
        frame('y', u32(31), u32(101)),
      ],
      /Z/,
      [frame('s', u32(15)), frame('y', u32(1), u32(1)), outputs('missing')],
      'word\n',
    )
    assert.deepEqual([said.tags, said.complaints], ['SEMZ', ''])
    assert.match(said.stdout, /^word\r\n|^\/dev\/pts\/0\r\n/)
    assert.match(said.stdout, /31 101\r\n\[word\]\r\n1\r\n/)
    assert.match(said.stdout, /\n9999\r\n$/)
  })

  for (const size of [[u32(0), u32(80)], [u32(24), u32(65_536)], [u32(24)], [u32(24), u32(80), u32(0)]])
    test(`a terminal of ${Buffer.concat(size).toString('hex')} is none`, async () => {
      const said = await converse([...START, frame('y', ...size), ...command('true'), frame('g')], /[IE]/)
      assert.deepEqual([said.tags, said.complaints], ['I', ''])
    })

  test('whatever it is sent: no complaint, and it ends with its lifeline', async () => {
    const junk = fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes))
    const path = fc.constantFrom(
      '/tmp/job',
      '/tmp/job/a',
      '/tmp/job/a/b',
      '',
      '/',
      'a',
      '/tmp/job//a/',
      '/proc/1/fd',
      `/tmp/job/${'d/'.repeat(80)}`,
      `/tmp/job/${'n'.repeat(300)}`,
    )
    const number = fc.constantFrom(0, 1, 3, 7, 9, 15, 64, 65, 255, 2 ** 31, 2 ** 32 - 1)
    const part = fc.oneof(
      fc.tuple(fc.constantFrom(...'wvxrtdfbgsoqpackjlyneR?'), junk).map(([tag, bytes]) => frame(tag, bytes)),
      fc.tuple(fc.constantFrom('d', 'w'), path).map(([tag, text]) => frame(tag, words(text))),
      fc.tuple(number, path).map(([mode, text]) => frame('f', u32(mode), words(text))),
      fc.tuple(number, number).map(([resource, limit]) => frame('r', u32(resource), u64(limit), u64(limit))),
      fc
        .tuple(fc.constantFrom(0, 1), number, path)
        .map(([ipc, mode, text]) => frame('n', u32(ipc), u32(mode), words(text), Buffer.alloc(1))),
      fc.constantFrom(frame('R'), frame('e')),
      fc.tuple(path, path).map(([place, below]) => frame('o', words(place), Buffer.alloc(1), words(below))),
      fc.tuple(fc.constantFrom(1, 2), path).map(([module, text]) => frame('c', u32(module), words(text))),
      fc.tuple(number, path).map(([rights, text]) => frame('p', u32(rights), words(text))),
      fc.constantFrom(...sealed, frame('l', u32(0), words('lock sealed'))),
      number.map((each) => frame('s', u32(each))),
      fc.tuple(number, number).map(([rows, columns]) => frame('y', u32(rows), u32(columns))),
      fc.constantFrom(frame('b', Buffer.alloc(70_000)), frame('g'), frame('t', u32(50)), ...command('true')),
      { weight: 1, arbitrary: junk },
    )
    // a beginning that makes sense gets further
    const session = fc
      .tuple(fc.boolean(), fc.array(part, { maxLength: 8 }), fc.boolean(), fc.array(part, { maxLength: 4 }))
      .map(([begun, middle, gone, rest]) => [
        ...(begun ? [...START, ...command('true')] : []),
        ...middle,
        ...(gone ? [frame('g')] : []),
        ...rest,
      ])
    await fc.assert(
      fc.asyncProperty(session, async (parts) => {
        const { complaints, status } = await converse(parts, null)
        assert.doesNotMatch(complaints, /Sanitizer|runtime error|bwrap/)
        assert.notEqual(status, 99, complaints)
      }),
      { numRuns: Number.POSITIVE_INFINITY, interruptAfterTimeLimit: SECONDS * 1000 },
    )
  })
})
