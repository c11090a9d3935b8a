/**
 * Attack: the decoder is taken over, and its new master wants a shell, or a socket. Under `compute` there is neither: the
 * command was the one program, and nothing that it becomes, starts or shares a thread with executes another. The same
 * program under the default profile, where all of it works, is the control.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { box, SKIP } from '../support/boxes.js'
import { ROOT, sharedFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { asEachUser, glovebox, type TestUser } from '../support/users.js'

const COMPUTE = { syscalls: { profile: 'compute' } } as const
const ENOSYS = 38

const folder = sharedFolder()
const built = new Map<string, string>()

function program(name: string, ...flags: string[]): string {
  const output = built.get(name) ?? join(folder, name)
  if (!built.has(name))
    execFileSync('gcc', [
      '-O1',
      '-Wall',
      '-Wextra',
      '-Werror',
      '-static',
      ...flags,
      '-o',
      output,
      join(ROOT, `test/inside/programs/${name}.c`),
    ])
  built.set(name, output)
  return output
}

const hostile = () => program('second-exec', '-pthread')

function policy(profile: string): string {
  const file = join(folder, `${profile}.yaml`)
  writeFileSync(file, `version: 1\nsyscalls: {profile: ${profile}}\n`)
  return file
}

const lines = (stdout: string) =>
  Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t')),
  ) as Record<string, string>

async function attempts(user: TestUser, profile: string, grant: boolean) {
  const flags = ['--policy', policy(profile), '--read', `${hostile()}:/in/second-exec`]
  const { stdout, stderr, status } = await glovebox(user, [
    'run',
    ...(grant ? flags : []),
    '--',
    '/in/second-exec',
  ])
  assert.equal(status, 0, stderr)
  return lines(stdout)
}

asEachUser(
  'no second program, in any process or thread, by any call; no socket, pairs included',
  async (user) => {
    const inside = await attempts(user, 'compute', true)
    const [without, outside] = [
      await attempts(user, 'default', true),
      lines((await finished([hostile()], { cwd: '/' })).stdout),
    ]
    const ways = Object.keys(inside)
    assert.ok(ways.length >= 14, ways.join())
    for (const way of ways) {
      const socket = way.startsWith('socket')
      assert.equal(inside[way], socket ? '97' : `${ENOSYS}`, `${way} under compute`)
      // "itself" became the program again, which ends without that line
      assert.equal(outside[way], way === 'itself' ? undefined : 'ok', `${way} on the host`)
      if (way !== 'socket') assert.equal(without[way], outside[way], `${way} under the default profile`)
    }
  },
)

describe('the first program', { skip: SKIP }, () => {
  const granted = (path: string) => ({ ...COMPUTE, files: { read: [`${path}:/in/program`] } })

  test('cannot be faster than the one who closes the gate: an execve as its first instruction', {
    skip: process.arch !== 'x64' && 'written for x86_64',
  }, async () => {
    const path = program('exec-at-once', '-nostdlib')
    const control = await box(['/in/program'], {}, { files: { read: [`${path}:/in/program`] } })
    assert.equal(control.exitCode, 77)
    for (let times = 0; times < 40; times++)
      assert.equal((await box(['/in/program'], {}, granted(path))).exitCode, ENOSYS)
  })

  test('is looked for along PATH, as by default; what is not there or no program is said so', async () => {
    assert.equal((await box(['true'], {}, COMPUTE)).exitCode, 0)
    assert.equal((await box(['no-such-program'], {}, COMPUTE)).exitCode, 127)
    assert.equal((await box(['/usr/share'], {}, COMPUTE)).exitCode, 126)
    const env = { PATH: '/nowhere:/usr/share:/tmp:/usr/bin' }
    assert.equal((await box(['true'], {}, { ...COMPUTE, env })).exitCode, 0)
  })

  test('has its streams, its signals, its limits and its deadline', async () => {
    const echoed = await box(['cat'], { stdin: Buffer.from('through') }, COMPUTE)
    assert.equal(echoed.text(), 'through')
    const late = await box(['sleep', '60'], {}, { ...COMPUTE, lifetime: { deadline: '300ms' } })
    assert.equal(late.reason, 'deadline')
    const few = { ...COMPUTE, limits: { openFiles: 3 } }
    // too few for the loader of a dynamic program; a static one needs none
    assert.equal((await box(['/in/program'], {}, { ...few, ...granted(hostile()) })).exitCode, 0)
  })

  test('can be denied what the sandbox itself needs, which has a filter of its own: no fork, no threads', async () => {
    const fork = 'import os\ntry: os.fork()\nexcept PermissionError: print("one")'
    const denied = await box(
      ['/usr/bin/python3', '-c', fork],
      {},
      { syscalls: { profile: 'compute', deny: ['socketpair', 'sendmsg', 'fork', 'vfork', 'clone', 'kill'] } },
    )
    assert.equal(denied.text(), 'one\n')
  })
})

const PYTHON = `
import threading, hashlib, json, decimal, zlib, tempfile, os
t = threading.Thread(target=lambda: None); t.start(); t.join()
with tempfile.TemporaryFile() as f: f.write(b'x'); f.flush(); os.fsync(f.fileno())
pid = os.fork()
if pid == 0: os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
print('fine', hashlib.sha256(zlib.compress(json.dumps([1]).encode())).hexdigest()[:2])
`
const NODE = `
const { Worker } = require('worker_threads'), fs = require('fs'), zlib = require('zlib')
fs.writeFileSync('a', 'b'); fs.promises.copyFile('a', 'c').then(() => new Worker("console.log('fine')", { eval: true }))
zlib.gzip('x', () => {})
`

/** name, the program that must be there, its argv, its inputs, what it prints */
const PROGRAMS: readonly (readonly [
  string,
  string,
  readonly string[],
  Readonly<Record<string, () => Uint8Array>>,
  RegExp,
])[] = [
  [
    'Python: threads, files, a fork, digests',
    '/usr/bin/python3',
    ['/usr/bin/python3', '-c', PYTHON],
    {},
    /fine/,
  ],
  ['Node: a worker, files, zlib', '/usr/bin/node', ['/usr/bin/node', '-e', NODE], {}, /fine/],
  [
    'ImageMagick: read, blur, resize, write',
    '/usr/bin/convert',
    [
      '/usr/bin/convert',
      'in.png',
      '-blur',
      '0x3',
      '-resize',
      '50%',
      '-format',
      '%m %w',
      '-write',
      'info:-',
      'out.webp',
    ],
    { 'in.png': () => execFileSync('/usr/bin/convert', ['-size', '200x100', 'plasma:', 'png:-']) },
    /100/,
  ],
  [
    'ffmpeg: decode',
    '/usr/bin/ffmpeg',
    ['/usr/bin/ffmpeg', '-v', 'error', '-i', 'in.mp4', '-f', 'framemd5', '-'],
    {
      'in.mp4': () => {
        const path = join(folder, 'in.mp4')
        execFileSync('/usr/bin/ffmpeg', [
          '-v',
          'error',
          '-f',
          'lavfi',
          '-i',
          'testsrc=duration=1:size=64x64:rate=5',
          '-c:v',
          'mpeg4',
          '-y',
          path,
        ])
        return readFileSync(path)
      },
    },
    /#dimensions 0: 64x64/,
  ],
]

describe('programs compute under it', { skip: SKIP }, () => {
  for (const [name, needs, argv, inputs, prints] of PROGRAMS)
    test(name, { skip: !existsSync(needs) && `${needs} is not installed` }, async () => {
      const bytes = Object.fromEntries(Object.entries(inputs).map(([path, make]) => [path, make()]))
      const limits = { memory: '1GiB' }
      const result = await box(argv, { inputs: bytes }, { ...COMPUTE, limits })
      assert.match(result.text(), prints, Buffer.from(result.stderr).toString())
      assert.equal(result.exitCode, 0, Buffer.from(result.stderr).toString())
      const claims = Object.fromEntries(result.report.claims.map(({ id, status }) => [id, status]))
      assert.deepEqual([claims['syscalls.no-exec'], claims['syscalls.no-sockets']], ['enforced', 'enforced'])
    })
})
