/**
 * Attack: a parser is set up, opens its fonts and its model, reads a stranger's file, and is taken over by it. It had locked
 * itself before, so nothing can be opened, executed or connected any more, by no thread and no child, whatever it says.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { box, SKIP } from '../support/boxes.js'
import { ROOT, sharedFolder } from '../support/checkout.js'
import { asEachUser, glovebox } from '../support/users.js'

const LOCK = { syscalls: { lock: 'sealed' } } as const
const example = (name: string) => join(ROOT, 'examples/lock', name)
const input = (name: string) => readFileSync(example(name))

/** A Python that has `lock()`, `ask(line)` and `tries()`: what each attempt comes to, 0 or an errno. */
const PRELUDE = `
import os, sys, socket, threading, signal, time
sys.path.insert(0, '/job')
from lock import lock
fd = int(os.environ['GLOVEBOX_LOCK_FD'])
def ask(line):
    os.write(fd, line)
    return os.read(fd, 100)
def attempt(action):
    try: action(); return 0
    except OSError as error: return error.errno
def in_child(action):
    pid = os.fork()
    if pid == 0: os._exit(attempt(action))
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
def tries():
    return [attempt(lambda: os.close(os.open('/etc/passwd', os.O_RDONLY))),
            attempt(lambda: os.close(os.open('/tmp/made', os.O_CREAT | os.O_WRONLY))),
            attempt(lambda: socket.socket(socket.AF_UNIX).close()),
            attempt(lambda: os.mkdir('/tmp/folder') or os.rmdir('/tmp/folder')),
            in_child(lambda: os.execv('/bin/true', ['true']))]
`
const python = (script: string, policy: Readonly<Record<string, unknown>> = LOCK) =>
  box(['/usr/bin/python3', '-B', '-c', PRELUDE + script], { inputs: { 'lock.py': input('lock.py') } }, policy)

async function prints(script: string, expected: string, policy: Readonly<Record<string, unknown>> = LOCK) {
  const result = await python(script, policy)
  assert.equal(result.text(), expected, Buffer.from(result.stderr).toString())
  return result
}

const OPEN = '[0, 0, 0, 0, 0]\n'
const SHUT = '[38, 38, 38, 38, 38]\n'

describe('a job that locks itself', {
  skip: SKIP || (!existsSync('/usr/bin/python3') && 'no Python'),
}, () => {
  test('could do it all before, and nothing afterwards; what is open stays so', async () => {
    const { report } = await prints(
      `f = open('/etc/passwd'); print(tries()); lock(); print(tries()); print(f.read(4), os.fstat(f.fileno()).st_size > 0)`,
      `${OPEN}${SHUT}root True\n`,
    )
    assert.equal(report.claims.find(({ id }) => id === 'syscalls.lock')?.status, 'enforced')
  })

  test('locks its threads and its children, those of before and those of after', async () => {
    await prints(
      `
done, r, w = threading.Event(), *os.pipe()
seen = []
thread = threading.Thread(target=lambda: (done.wait(), seen.append(tries())))
thread.start()
child = os.fork()
if child == 0:
    os.read(r, 1); print(tries(), flush=True); os._exit(0)
lock(); os.write(w, b'x'); os.waitpid(child, 0); done.set(); thread.join(); print(seen[0], flush=True)
if os.fork() == 0: print(tries(), flush=True); os._exit(0)
os.wait()`,
      SHUT.repeat(3),
    )
  })

  test('in the middle of the calls of eight threads: none that begins after the answer goes through', async () => {
    await prints(
      `
locked, late, before = False, [], []
def work():
    for _ in range(3000):
        mine = locked
        error = attempt(lambda: os.close(os.open('/etc/passwd', os.O_RDONLY)))
        if mine and error != 38: late.append(error)
        if not mine and error == 0: before.append(1)
threads = [threading.Thread(target=work) for _ in range(8)]
for each in threads: each.start()
while len(before) < 20: time.sleep(0.001)
lock(); locked = True
for each in threads: each.join()
print(late, len(before) >= 20)`,
      '[] True\n',
    )
  })

  test('can’t take it back: by asking again, by closing the line, by a new process', async () => {
    await prints(
      `lock(); print(ask(b'lock default\\n'), ask(b'lock sealed\\n'), flush=True); os.close(fd); print(in_child(lambda: print(tries(), flush=True)))`,
      `b'refused\\n' b'locked\\n'\n${SHUT}0\n`,
    )
  })
})

describe('the line to lock itself', {
  skip: SKIP || (!existsSync('/usr/bin/python3') && 'no Python'),
}, () => {
  test('knows one word; anything else locks nothing, and says so', async () => {
    await prints(
      `
for line in [b'\\n', b'lock\\n', b'lock compute\\n', b'LOCK sealed\\n', b'lock sealed \\n', b' lock sealed\\n', b'lock seale\\n']:
    print(ask(line) == b'refused\\n', end=' ')
print(tries())`,
      `${'True '.repeat(7)}${OPEN}`,
    )
  })

  test('is closed to who says too much or says a NUL; the job goes on without it', async () => {
    for (const said of [`b'x' * 200 + b'\\n'`, `b'lock sealed\\0\\n'`])
      await prints(
        `
signal.signal(signal.SIGPIPE, signal.SIG_IGN)
print(ask(${said}), attempt(lambda: (time.sleep(0.05), os.write(fd, b'lock sealed\\n'), os.write(fd, b'x'))) in (32, 104)); print(tries())`,
        `b'refused\\n' True\n${OPEN}`,
      )
  })

  test('may come in pieces, from a child, or never; an answer that nobody reads stops nothing', async () => {
    await prints(
      `
for byte in b'lock sealed\\n': os.write(fd, bytes([byte]))
print(os.read(fd, 100)); print(tries())`,
      `b'locked\\n'\n${SHUT}`,
    )
    await prints(`print(in_child(lock)); print(tries())`, `0\n${SHUT}`)
    await prints(`os.write(fd, b'lock no\\n' * 9000); lock_answers = 1; print(tries())`, OPEN)
  })

  test('is not there when the policy offers none', async () => {
    const result = await box(['sh', '-c', 'echo "[$GLOVEBOX_LOCK_FD]"; ls -l /proc/self/fd | grep -c socket'])
    assert.equal(result.text(), '[]\n0\n')
    const env = { GLOVEBOX_LOCK_FD: '9' }
    assert.equal((await box(['sh', '-c', 'echo $GLOVEBOX_LOCK_FD'], {}, { ...LOCK, env })).text(), '3\n')
  })
})

describe('a job that may lock itself', { skip: SKIP }, () => {
  test('under compute executes nothing before either, and opens files until it locks', async () => {
    const policy = { syscalls: { profile: 'compute', lock: 'sealed' } }
    await prints(
      `print(tries()); lock(); print(tries())`,
      '[0, 0, 97, 0, 38]\n[38, 38, 97, 38, 38]\n',
      policy,
    )
  })

  test('ends at its deadline, though it asks without end; and when a process dies in the middle of a question', async () => {
    const flood = 'while :; do for i in 1 2 3 4; do : < /etc/passwd; done; done'
    const late = await box(
      ['sh', '-c', `${flood} & ${flood} & ${flood}`],
      {},
      { ...LOCK, lifetime: { deadline: '500ms' } },
    )
    assert.equal(late.reason, 'deadline')
    await prints(
      `
for _ in range(30):
    pid = os.fork()
    if pid == 0:
        while True: attempt(lambda: os.close(os.open('/etc/passwd', os.O_RDONLY)))
    time.sleep(0.002); os.kill(pid, 9); os.waitpid(pid, 0)
print(tries()); lock(); print(tries())`,
      OPEN + SHUT,
    )
  })

  test('starts as any other: what is not there, what is no program, as few descriptors as there are', async () => {
    assert.equal((await box(['no-such-program'], {}, LOCK)).exitCode, 127)
    assert.equal((await box(['/usr/share'], {}, LOCK)).exitCode, 126)
    assert.equal((await box(['true'], {}, { ...LOCK, env: { PATH: '/nowhere:/usr/bin' } })).exitCode, 0)
    assert.equal((await box(['true'], {}, { ...LOCK, limits: { openFiles: 5 } })).exitCode, 0)
  })
})

const SAID = /^open: (ENOSYS|Function not implemented)\nexecute: \1\n/

describe('the examples of docs/lock.md', () => {
  const folder = sharedFolder()
  const flags = ['--policy', join(folder, 'policy.yaml'), '--read', `${folder}:/in`, '--']
  for (const name of ['policy.yaml', 'lock.py', 'lock.mjs'])
    execFileSync('cp', [example(name), join(folder, name)])
  const compiled = () => {
    const path = join(folder, 'lock')
    const header = `-I${join(ROOT, 'include')}`
    execFileSync('gcc', ['-Wall', '-Wextra', '-Wpedantic', '-Werror', header, '-o', path, example('lock.c')])
    return '/in/lock'
  }
  for (const [name, needs, argv] of [
    ['C', '/usr/bin/gcc', () => [compiled()]],
    ['Python', '/usr/bin/python3', () => ['/usr/bin/python3', '/in/lock.py']],
    ['Node', '/usr/bin/node', () => ['/usr/bin/node', '/in/lock.mjs']],
  ] as const)
    asEachUser(
      `${name}: what it opened it still reads, all else is refused`,
      async (user) => {
        const { stdout, stderr, status } = await glovebox(user, [
          'run',
          ...flags,
          ...argv(),
          '/in/policy.yaml',
        ])
        assert.match(stdout, SAID, stderr)
        assert.match(stdout, /^still reads: /m)
        assert.doesNotMatch(stdout, /^(open|execute|socket|remove): worked/m)
        assert.equal(status, 0, stderr)
        // a program that takes no lock for a lock would be worse than none
        const without = await glovebox(user, [
          'run',
          '--read',
          `${folder}:/in`,
          '--',
          ...argv(),
          '/in/policy.yaml',
        ])
        assert.notEqual(without.status, 0)
        assert.doesNotMatch(without.stdout, /still reads/)
      },
      () => (existsSync(needs) ? null : `${needs} is not installed`),
    )

  test('the header is C++ too, and C89 with inline', {
    skip: !existsSync('/usr/bin/gcc') && 'no compiler',
  }, () => {
    for (const language of [
      ['-xc++'],
      ['-xc', '-std=gnu89'],
      ['-xc', '-std=c11', '-D_POSIX_C_SOURCE=200809L'],
    ])
      execFileSync(
        'gcc',
        ['-Wall', '-Wextra', '-Werror', '-fsyntax-only', `-I${join(ROOT, 'include')}`, ...language, '-'],
        {
          input: '#include "glovebox/lock.h"\nint main(void) { return glovebox_lock("sealed"); }\n',
          stdio: ['pipe', 'pipe', 'pipe'],
        },
      )
  })
})
