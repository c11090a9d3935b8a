/**
 * Standard streams by the command line. A regression shows as bytes lost, a job that never learns that its reader went
 * away, a hang, or output piling up in our memory.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { finished } from '../support/spawned.js'
import { type TestUser, USERS } from '../support/users.js'
import { asRootAndOrdinary, asSuiteUser, family, HANG, ran, sentries, started, textOf } from './tools.js'

/** A bash script in which `glovebox` is a function; bash, for PIPESTATUS. */
function script(user: TestUser, text: string) {
  const [node, program, ...flags] = user.cli(['run'])
  const call = `glovebox() { "${node}" "${program}" ${flags.join(' ')} "$@"; }\n${text}`
  // with a socket for stdin, as spawn gives, bash at times takes itself for rshd's and reads the caller's ~/.bashrc
  return finished(user.as(['bash', '--norc', '-c', call]), { cwd: '/', ...HANG })
}

asRootAndOrdinary(
  'a reader that goes away: the job gets SIGPIPE, and the exit code is as in any pipeline',
  async (user) => {
    const { stdout } = await script(
      user,
      'glovebox --deadline 20s -- yes 2>/dev/null | head -1; echo $PIPESTATUS; yes | head -1; echo $PIPESTATUS',
    )
    assert.equal(stdout, 'y\n141\ny\n141\n')
  },
)

asRootAndOrdinary('a job that ignores SIGPIPE sees EPIPE and may end as it likes', async (user) => {
  const job = 'trap "" PIPE; while echo x; do :; done 2>/dev/null; echo it ended >&2; exit 7'
  const { stdout, stderr } = await script(
    user,
    `glovebox --deadline 20s -- sh -c '${job}' | head -1; echo "\${PIPESTATUS[0]}"`,
  )
  assert.equal(stdout, 'x\n7\n', stderr)
  assert.equal(stderr, 'it ended\n')
})

asRootAndOrdinary('closed standard streams of our own are no trouble', async (user) => {
  const closedIn = await script(user, 'glovebox -- cat <&-; echo "$?"')
  assert.equal(closedIn.stdout, '0\n', closedIn.stderr)
  const closedOut = await script(user, 'glovebox -- sh -c "echo x; exit 3" >&-; echo "$?"')
  assert.match(closedOut.stdout, /^(3|141|1)\n$/, closedOut.stderr)
  const closedErr = await script(user, 'glovebox -- sh -c "echo x >&2; echo y; exit 3" 2>&-; echo "$?"')
  assert.equal(closedErr.stdout, 'y\n3\n')
  const closedAll = await script(user, 'glovebox -- sh -c "exit 3" <&- >&- 2>&-; echo "$?"')
  assert.equal(closedAll.stdout, '3\n')
})

asSuiteUser(
  '10 MiB for a job that closes its input at once: its own exit code, no complaint',
  async (user) => {
    const input = Buffer.alloc(10 << 20, 'x')
    const closes = await ran(user, ['run', '--', 'sh', '-c', 'exec <&-; sleep 0.2; exit 5'], { input })
    assert.deepEqual([closes.status, closes.stderr], [5, ''])
    const some = await ran(user, ['run', '--', 'head', '-c', '3'], { input })
    assert.deepEqual([some.status, some.stdout, some.stderr], [0, 'xxx', ''])
  },
)

asSuiteUser('10 MiB in and out again are the same bytes', async (user) => {
  const input = Buffer.from(Array.from({ length: 10 << 20 }, (_, at) => (at * 7) % 251))
  const { stdout, status } = await ran(user, ['run', '--', 'sha256sum'], { input })
  assert.equal(status, 0)
  assert.equal(stdout.slice(0, 64), createHash('sha256').update(input).digest('hex'))
})

asSuiteUser('an input that stays open does not keep a job that has ended', async (user) => {
  const run = started(user, ['run', '--', 'true'], { stdio: ['pipe', 'pipe', 'pipe'] })
  assert.equal((await run.ended).status, 0)
})

asSuiteUser('standard output and error stay apart, each in order', async (user) => {
  const job = 'for i in 1 2 3 4 5; do echo o$i; echo e$i >&2; done'
  const { stdout, stderr } = await ran(user, ['run', '--', 'sh', '-c', job])
  assert.equal(stdout, 'o1\no2\no3\no4\no5\n')
  assert.equal(stderr, 'e1\ne2\ne3\ne4\ne5\n')
})

/** Highest memory that this process held, bytes; proc_pid_status(5). */
const peakOf = (pid: number) => Number(/VmHWM:\s+(\d+)/.exec(textOf(pid, 'status'))?.[1] ?? 0) * 1024

const first = USERS[0] ?? assert.fail('no user')

/** 32 KiB of numbered lines, 32,768 times: a piece lost, doubled or moved changes the sum. */
const GIBIBYTE = `import sys
for i in range(32768): sys.stdout.write('%08x' % i + 'x' * 32759 + '\\n')`

function sumOfGibibyte(): string {
  const hash = createHash('sha256')
  const rest = `${'x'.repeat(32759)}\n`
  for (let i = 0; i < 32768; i++) hash.update(i.toString(16).padStart(8, '0')).update(rest)
  return hash.digest('hex')
}

test('1 GiB of output: every byte arrives, and our memory stays small', {
  skip: first.skip ?? false,
}, async () => {
  const flags = ['--max-output', '2GiB', '--deadline', '10m']
  const run = started(first, ['run', ...flags, '--', 'python3', '-c', GIBIBYTE], { timeout: 300_000 })
  const hash = createHash('sha256')
  let bytes = 0
  let peak = 0
  run.child.stdout?.removeAllListeners('data')
  run.child.stdout?.on('data', (part: Buffer) => {
    hash.update(part)
    bytes += part.length
    if (bytes % (1 << 26) < part.length) peak = Math.max(peak, peakOf(run.pid))
  })
  assert.equal((await run.ended).status, 0)
  assert.equal(bytes, 2 ** 30)
  assert.equal(hash.digest('hex'), sumOfGibibyte())
  assert.ok(peak > 0 && peak < 300 << 20, `${peak} bytes at most`)
})

asSuiteUser('a slow reader slows the job down; nothing piles up and nothing is lost', async (user) => {
  const job = 'head -c 40000000 /dev/zero; echo the job has written all >&2'
  const run = started(user, ['run', '--max-output', '1GiB', '--', 'sh', '-c', job])
  run.child.stdout?.removeAllListeners('data').pause()
  let all = false
  run.child.stderr?.on('data', (part: Buffer) => {
    all ||= part.includes('written all')
  })
  await sleep(700)
  assert.equal(all, false, 'the job wrote 40 MB that nobody read')
  let bytes = 0
  run.child.stdout
    ?.on('data', (part: Buffer) => {
      bytes += part.length
    })
    .resume()
  assert.equal((await run.ended).status, 0)
  assert.equal(bytes, 40_000_000)
})

/** Waits until the job `yes` of this run is there, or is not. */
async function yesIs(there: boolean, pid: number): Promise<void> {
  const seen = () => sentries(pid).length > 0 || family(pid).some((each) => textOf(each, 'comm') === 'yes\n')
  for (let tries = 0; seen() !== there; tries++) {
    assert.ok(tries < 1500, there ? 'the job never ran' : 'the job is still there')
    await sleep(20)
  }
}

asSuiteUser('a reader that never reads does not keep the job alive beyond its deadline', async (user) => {
  const run = started(user, ['run', '--max-output', '1GiB', '--deadline', '700ms', '--', 'yes'])
  run.child.stdout?.removeAllListeners('data').pause()
  await yesIs(true, run.pid)
  await yesIs(false, run.pid)
  run.child.stdout?.resume()
  assert.equal((await run.ended).status, 124)
})

asSuiteUser('a signal ends us even while our reader does not read', async (user) => {
  const run = started(user, ['run', '--max-output', '1GiB', '--deadline', '50s', '--', 'yes'])
  run.child.stdout?.removeAllListeners('data').pause()
  const exit = new Promise((resolve) => run.child.once('exit', resolve))
  await yesIs(true, run.pid)
  run.child.kill('SIGTERM')
  await yesIs(false, run.pid)
  run.child.kill('SIGTERM')
  assert.equal(await exit, 143)
  run.child.stdout?.resume()
})
