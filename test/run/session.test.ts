/** Several commands in one sandbox of one tenant's: what goes over from one to the next, and what must not; and when it is over. */
import assert from 'node:assert/strict'
import { chmodSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  BusyError,
  Glovebox,
  type GloveboxOptions,
  LaunchError,
  type Policy,
  PolicyError,
  parsePolicy,
  type Run,
  type RunResult,
  type Session,
  type SessionOptions,
} from '../../src/index.js'
import { testFolder } from '../support/checkout.js'
import { USERS } from '../support/users.js'
import { family, textOf } from './tools.js'

const [user] = USERS
const waive = user?.noMemoryLimit === null ? [] : ['limits.memory']
const policyOf = (extra: object = {}): Policy => parsePolicy({ version: 1, waive, ...extra })
const REUSED = { within: 'tenant', runs: 3, age: '5m' }

async function glovebox(t: TestContext, options: GloveboxOptions = {}): Promise<Glovebox> {
  const made = await Glovebox.start(options)
  t.after(() => made.close())
  return made
}

async function session(t: TestContext, options: Partial<SessionOptions> = {}, extra = {}): Promise<Session> {
  return (await glovebox(t)).session(policyOf(extra), { tenant: 'acme', ...options })
}

const shell = (within: { run: Session['run'] }, script: string, options = {}): Run =>
  within.run(['sh', '-c', script], options)
/** First processes of sandboxes: bubblewrap executes them by a descriptor. */
const agents = () =>
  family(process.pid).filter((pid) => /^\/proc\/self\/fd\/\d+\0/.test(textOf(pid, 'cmdline')))
const which = ({ report }: RunResult) => [report.sandbox?.run, report.sandbox?.of]
const said = (result: RunResult) =>
  `${result.text()}${Buffer.from(result.stderr)}${result.message ?? ''}`.trim()

describe('a session', { skip: user?.skip ?? false }, () => {
  test('keeps files, and ends the processes of each command before the next one runs', async (t) => {
    const box = await session(t)
    const first = await shell(
      box,
      'echo kept > file; sleep 1000 & (setsid sleep 1000 &); ls /proc | grep -c "^[0-9]"',
    )
    assert.equal(first.exitCode, 0, said(first))
    const second = await shell(
      box,
      'cat file; for p in /proc/[0-9]*; do tr "\\0" " " < $p/cmdline; done | grep -c "^sleep 1000"',
    )
    assert.equal(second.text(), 'kept\n0\n')
    assert.deepEqual([which(first), which(second), box.runs], [[1, 100], [2, 100], 2])
    const claims = new Map(second.report.claims.map(({ id, status }) => [id, status]))
    assert.equal(claims.get('lifetime.one-tenant'), 'enforced')
    assert.equal(claims.get('lifetime.single-use'), 'notApplicable')
  })

  test('gives each command streams of its own: what one left unread, unsaid or open is nothing to the next', async (t) => {
    const box = await session(t)
    // more than a window of what nobody takes, and an input that nobody reads
    const big = Buffer.alloc(700_000, 'x')
    const first = await shell(box, 'exec 3<&0; echo one', { stdin: big })
    assert.equal(first.text(), 'one\n')
    for (const count of [1, 300_000, 1_000_000]) {
      const result = await shell(box, 'cat; cat >&2 < /dev/null', { stdin: Buffer.alloc(count, 'y') })
      assert.equal(result.stdout.length, count, said(result))
      assert.ok(Buffer.from(result.stdout).equals(Buffer.alloc(count, 'y')))
    }
    const unread = shell(box, 'head -c 3000000 /dev/zero; echo end >&2', { buffer: false })
    unread.stdout.destroy()
    unread.stderr.resume()
    await unread
    assert.equal((await shell(box, 'cat; echo next')).text(), 'next\n')
  })

  test('takes commands in the order in which they were asked for, each with a deadline of its own', async (t) => {
    const box = await session(t)
    const asked = ['sleep 0.3; echo 1', 'echo 2', 'echo 3'].map((script) => shell(box, script))
    let order = ''
    for (const [index, run] of asked.entries())
      void run.then(() => {
        order += index
      })
    assert.deepEqual(
      (await Promise.all(asked)).map((each) => each.text()),
      ['1\n', '2\n', '3\n'],
    )
    assert.equal(order, '012')
  })

  test('goes on after a command that fails, is not there, or is killed by a signal of its own', async (t) => {
    const box = await session(t)
    const endings = []
    for (const script of ['exit 7', 'kill -9 $$', 'kill -SEGV $$'])
      endings.push((await shell(box, script)).exitCode)
    endings.push((await box.run(['nothing-of-this-name'])).exitCode)
    endings.push((await box.run(['/etc/passwd'])).exitCode)
    assert.deepEqual(endings, [7, 137, 139, 127, 126])
    assert.equal((await shell(box, 'echo still')).text(), 'still\n')
  })

  for (const [what, script, extra, options, reason] of [
    ['its deadline', 'sleep 100', { lifetime: { deadline: '400ms' } }, {}, 'deadline'],
    ['silence', 'sleep 100', { lifetime: { noOutput: '300ms' } }, {}, 'noOutput'],
    ['too much output', 'yes', { limits: { output: '64KiB' } }, {}, 'output'],
    ['its caller', 'sleep 100', {}, { signal: AbortSignal.timeout(300) }, 'cancelled'],
  ] as const)
    test(`ends with a command that is ended by ${what}`, async (t) => {
      const box = await session(t, {}, extra)
      await shell(box, 'echo first')
      const last = await shell(box, script, options)
      assert.equal(last.reason, reason, said(last))
      await assert.rejects(shell(box, 'true'), { code: 'session.over' })
      assert.notEqual(box.over, null)
    })

  test('ends with a command that runs out of memory, also where only a child of it did', async (t) => {
    if (waive.length > 0) return t.skip(user?.noMemoryLimit ?? '')
    const box = await session(t, {}, { limits: { memory: '48MiB' } })
    const eater = 'tail /dev/zero'
    const last = await shell(box, `${eater}; exit 0`)
    assert.equal(last.reason, 'memory', said(last))
    await assert.rejects(shell(box, 'true'), { code: 'session.over' })
  })

  test('has at most so many runs, is at most so old, waits at most so long, and says which it was', async (t) => {
    const few = await session(t, { runs: 2 })
    await shell(few, 'true')
    await shell(few, 'true')
    await assert.rejects(shell(few, 'true'), /has had its 2 runs/)
    const old = await session(t, { ageMs: 300 })
    await sleep(600)
    await assert.rejects(shell(old, 'true'), /as old as it may become/)
    const idle = await session(t, { idleMs: 200 })
    await shell(idle, 'true')
    await sleep(600)
    await assert.rejects(shell(idle, 'true'), /nothing was done in it/)
  })

  test('leaves nothing when it is closed, whatever runs in it', async (t) => {
    const box = await glovebox(t)
    const made = await box.session(policyOf(), { tenant: 'acme' })
    await shell(made, 'true')
    assert.equal(agents().length, 1)
    const running = shell(made, 'sleep 1000')
    await sleep(200)
    await made.close()
    await made.close()
    assert.equal((await running).reason === 'exited', false)
    await assert.rejects(made.run(['true']), { code: 'session.over' })
    assert.equal(agents().length, 0)
  })

  test('files go in and out between commands, and are led nowhere by what a command left', async (t) => {
    const box = await session(t)
    await box.writeFile('in/a.txt', 'text')
    assert.equal((await shell(box, 'cat in/a.txt; echo out > out; chmod 600 out')).text(), 'text')
    assert.equal(Buffer.from(await box.readFile('out')).toString(), 'out\n')
    await box.writeFile('in/a.txt', Buffer.from('other'))
    assert.equal((await shell(box, 'cat in/a.txt')).text(), 'other')
    const planted =
      'rm -rf in; ln -s /tmp in; ln -s /etc/hostname h; mkfifo f; mkdir d; head -c 3000 /dev/zero > big'
    await shell(box, planted)
    await assert.rejects(box.writeFile('in/b', 'x'), { code: 'session.write' })
    assert.equal((await shell(box, 'ls -A /tmp')).text(), '')
    await assert.rejects(box.writeFile('d', 'x'), { code: 'session.write' })
    for (const name of ['h', 'f', 'd', 'in/x', 'none'])
      await assert.rejects(box.readFile(name), { code: 'session.read' })
    await assert.rejects(box.readFile('big', { maxBytes: 2999 }), /3000 bytes, and 2999/)
    assert.equal((await box.readFile('big', { maxBytes: 3000 })).length, 3000)
    await assert.rejects(box.readFile('/etc/passwd'), { code: 'session.read' })
    await assert.rejects(box.writeFile('/usr/x', 'x'), { code: 'input.place' })
    assert.equal((await shell(box, 'echo fine')).text(), 'fine\n')
  })

  test('ends when its sandbox answers no more: nobody waits for a file without end', async (t) => {
    const box = await session(t, {}, { lifetime: { deadline: '1s' } })
    await box.writeFile('a', 'x')
    const [agent = assert.fail()] = agents()
    process.kill(Number(agent), 'SIGSTOP')
    await assert.rejects(box.readFile('a'), { code: 'launch.silent' })
    await assert.rejects(box.run(['true']), { code: 'session.over' })
    await box.close()
    assert.equal(agents().length, 0)
  })

  for (const [what, use] of [
    ['read', (box: Session) => box.readFile('a')],
    ['written', (box: Session) => box.writeFile('a', 'y')],
  ] as const)
    test(`ends when its sandbox does while a file is ${what}, and says so`, async (t) => {
      const box = await session(t)
      await box.writeFile('a', 'x')
      const [agent = assert.fail()] = agents()
      process.kill(Number(agent), 'SIGSTOP')
      const used = use(box)
      used.catch(() => {}) // waited for below
      await sleep(50)
      process.kill(Number(agent), 'SIGKILL')
      await assert.rejects(used, (error) => error instanceof LaunchError && error.code === 'launch.lost')
      await assert.rejects(box.run(['true']), { code: 'session.over' })
      await box.close()
      assert.equal(agents().length, 0)
    })

  test('a command changes nothing that the next one runs under', async (t) => {
    const box = await session(t)
    const shown =
      'ulimit -a; nice; taskset -p $$ | sed "s/^pid [0-9]*//"; cat /proc/self/oom_score_adj; umask; pwd; env'
    const before = await shell(box, shown)
    const changes = [
      'prlimit --pid 1 --nofile=20:20 --fsize=1000:1000; ulimit -n 10',
      'renice -n 10 -p 1; taskset -p 1 1; chrt -b -p 0 1; ionice -c 3 -p 1',
      'echo 1000 > /proc/1/oom_score_adj; kill -STOP 1; kill -KILL 1; umask 077; cd /; export A=b',
    ]
    for (const each of changes) await shell(box, `${each}; true`)
    const after = await shell(box, shown)
    assert.equal(after.text(), before.text(), said(after))
  })

  test('inputs replace what is there, and are led nowhere either', async (t) => {
    const box = await session(t)
    await shell(box, 'echo old > a; mkdir -p /tmp/else; ln -s /tmp/else sub')
    const read = await box.run(['cat', 'a'], { inputs: { a: Buffer.from('new') } })
    assert.equal(read.text(), 'new')
    const astray = await box.run(['ls', '/tmp/else'], { inputs: { 'sub/b': Buffer.from('x') } })
    assert.equal(astray.reason, 'failed', said(astray))
  })

  test('a terminal is each command’s own', async (t) => {
    const box = await session(t)
    for (const word of ['one', 'two']) {
      const result = await shell(box, `tty; stty size; echo ${word}`, { tty: { columns: 40, rows: 10 } })
      assert.match(result.text(), new RegExp(`/dev/pts/\\d+\\r\\n10 40\\r\\n${word}`), said(result))
    }
    assert.equal((await shell(box, 'tty; cat', { stdin: Buffer.from('x') })).text(), 'not a tty\nx')
  })

  test('is one tenant’s, and no more than its policy and its ceiling allow', async (t) => {
    const box = await glovebox(t)
    const reused = policyOf({ lifetime: { reuse: REUSED } })
    await assert.rejects(box.session(policyOf(), { tenant: '' }), { code: 'session.tenant' })
    await assert.rejects(box.session(policyOf(), {} as SessionOptions), { code: 'session.tenant' })
    await assert.rejects(box.session(reused, { tenant: 'a', runs: 4 }), { code: 'session.range' })
    await assert.rejects(box.session(reused, { tenant: 'a', ageMs: 300_001 }), { code: 'session.range' })
    await assert.rejects(box.session(reused, { tenant: 'a', runs: 0 }), { code: 'reuse.range' })
    const made = await box.session(reused, { tenant: 'a' })
    assert.deepEqual(which(await made.run(['true'])), [1, 3])
  })

  test('holds a place among those that run, from its start to its end', async (t) => {
    const box = await glovebox(t, { concurrency: { sandboxes: 1, queue: 0 } })
    const made = await box.session(policyOf(), { tenant: 'a' })
    await assert.rejects(box.run(policyOf(), ['true'], { tenant: 'b' }), BusyError)
    assert.equal((await made.run(['echo', 'in it'])).text(), 'in it\n')
    await made.close()
    assert.equal((await box.run(policyOf(), ['true'], { tenant: 'b' })).exitCode, 0)
  })
})

describe('a policy that says reuse', { skip: user?.skip ?? false }, () => {
  const policy = policyOf({ lifetime: { reuse: REUSED } })
  const left =
    'ls -A /tmp /dev/shm . ; ipcs -m -q -s | grep -c 0x; echo x | tee /tmp/a /dev/shm/.b .c > /dev/null; mkdir -m 0 d; ipcmk -M 100 > /dev/null; ipcmk -S 1 > /dev/null'

  test('lets runs of one tenant have one sandbox, which is empty each time; others have their own', async (t) => {
    const box = await glovebox(t)
    const texts = new Set<string>()
    const used: unknown[] = []
    for (const tenant of ['a', 'a', 'b', undefined, 'a', 'a', undefined]) {
      const result = await box.run(policy, ['sh', '-c', left], tenant === undefined ? {} : { tenant })
      assert.equal(result.exitCode, 0, said(result))
      texts.add(result.text())
      used.push(which(result))
    }
    assert.deepEqual(used, [
      [1, 3],
      [2, 3],
      [1, 3],
      [1, 1],
      [3, 3],
      [1, 3],
      [1, 1],
    ])
    assert.equal(texts.size, 1, [...texts].join('---'))
  })

  test('what a folder itself can carry is gone, too: attributes, its mode, its times', async (t) => {
    const box = await glovebox(t)
    const marks = `
import os
for place in ('/tmp', '/job', '/dev/shm'):
    try: print(place, os.listxattr(place))
    except OSError: print(place, [])
    found = os.stat(place)
    print(oct(found.st_mode), 12345 in (int(found.st_atime), int(found.st_mtime)))
    for name in ('user.mark', 'user.' + 'n' * 100):
        try: os.setxattr(place, name, b'value')
        except OSError: pass
    os.utime(place, (12345, 12345))
    os.chmod(place, 0o711)`
    const texts = []
    for (let count = 0; count < 2; count++)
      texts.push((await box.run(policy, ['python3', '-c', marks], { tenant: 'a' })).text())
    assert.match(texts[0] ?? '', /^\/tmp \[\]\n0o41777 False/)
    assert.equal(texts[1], texts[0])
  })

  test('keeps another plan out, keeps files where it says so, and is refused under a ceiling that has none', async (t) => {
    const box = await glovebox(t)
    const keeps = policyOf({ lifetime: { reuse: { ...REUSED, scratch: 'keep' } } })
    const first = await box.run(keeps, ['sh', '-c', 'echo x > kept'], { tenant: 'a' })
    const second = await box.run(keeps, ['cat', 'kept'], { tenant: 'a' })
    assert.deepEqual([which(first), which(second), second.text()], [[1, 3], [2, 3], 'x\n'])
    const other = policyOf({ lifetime: { reuse: { ...REUSED, scratch: 'keep' } }, limits: { processes: 10 } })
    assert.deepEqual(which(await box.run(other, ['true'], { tenant: 'a' })), [1, 3])
    const both = await Promise.all([1, 2].map(() => box.run(keeps, ['sleep', '0.2'], { tenant: 'a' })))
    assert.deepEqual(both.map(which).sort(), [
      [1, 3],
      [3, 3],
    ])
  })

  test('a sandbox is not used again after a run that had to be ended, nor when it has waited too long', async (t) => {
    const box = await glovebox(t, { reuse: { idleMs: 200 } })
    await box.run(policy, ['true'], { tenant: 'a' })
    const ended = await box.run(policy, ['sleep', '100'], { tenant: 'a', signal: AbortSignal.timeout(300) })
    assert.deepEqual([ended.reason, ...which(ended)], ['cancelled', 2, 3])
    assert.deepEqual(which(await box.run(policy, ['true'], { tenant: 'a' })), [1, 3])
    await sleep(2_500)
    assert.deepEqual(which(await box.run(policy, ['true'], { tenant: 'a' })), [1, 3])
  })

  test('what a job leaves that can’t be removed costs its sandbox, and nothing else', async (t) => {
    const box = await glovebox(t)
    const deep = 'i=0; while [ $i -lt 400 ]; do mkdir d && cd d || exit 1; i=$((i+1)); done'
    const first = await box.run(policy, ['sh', '-c', deep], { tenant: 'a' })
    assert.equal(first.exitCode, 0, said(first))
    const next = await box.run(policy, ['sh', '-c', 'ls -A'], { tenant: 'a' })
    assert.deepEqual([next.reason, next.text(), ...which(next)], ['exited', '', 1, 3], said(next))
  })

  test('write grants start empty for each job, and hold the job’s alone', async (t) => {
    const box = await glovebox(t)
    const out = testFolder(t)
    const writes = policyOf({
      files: { write: [`${out}:/out`] },
      lifetime: { reuse: { ...REUSED, scratch: 'keep' } },
    })
    await box.run(writes, ['sh', '-c', 'echo 1 > /out/one'], { tenant: 'a' })
    const second = await box.run(writes, ['sh', '-c', 'ls /out; echo 2 > /out/two'], { tenant: 'a' })
    assert.deepEqual([second.text(), ...which(second)], ['', 2, 3], said(second))
    assert.deepEqual(readdirSync(out).sort(), ['one', 'two'])
    assert.deepEqual(
      second.report.outputs.map(({ path }) => path),
      ['/out/two'],
    )
  })
})

test('a ceiling without reuse refuses it, by a policy and by a session', async (t) => {
  const path = join(testFolder(t), 'ceiling.yaml')
  writeFileSync(path, 'version: 1\n')
  chmodSync(path, 0o644)
  const ceiling = { path, owner: process.geteuid?.() ?? 0 }
  const ask = (reuse: unknown) => () => parsePolicy({ version: 1, lifetime: { reuse } }, { ceiling })
  assert.throws(ask(REUSED), PolicyError)
  assert.equal(ask('never')().lifetime.reuse, null)
  writeFileSync(path, 'version: 1\nlifetime: {reuse: {within: tenant, runs: 5, age: 1m}}\n')
  assert.throws(ask({ within: 'tenant', runs: 6, age: '1m' }), /6 is above the ceiling of 5/)
  assert.throws(ask({ within: 'tenant', runs: 5, age: '2m' }), /2m is above the ceiling of 1m/)
  assert.throws(
    ask({ within: 'tenant', runs: 5, age: '1m', scratch: 'keep' }),
    /keep is above the ceiling of clean/,
  )
  assert.equal(ask({ within: 'tenant', runs: 5, age: '1m' })().lifetime.reuse?.runs, 5)
})
