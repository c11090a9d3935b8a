/**
 * Every ending of the contract by the command line. A regression shows as another exit code, another reason in the
 * report, or a reason told in another sentence.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { testFolder } from '../support/checkout.js'
import { asEachUser, needsMemoryLimit } from '../support/users.js'
import { asRootAndOrdinary, asSuiteUser, assertSaid, ran, reportIn } from './tools.js'

interface Ending {
  readonly name: string
  readonly flags?: readonly string[]
  readonly job: readonly string[]
  readonly status: number
  readonly reason: string
  readonly signal?: string
  /** what Glovebox says; absent: nothing */
  readonly says?: RegExp
}

const shell = (script: string) => ['sh', '-c', script]

const ENDINGS: readonly Ending[] = [
  { name: '0', job: ['true'], status: 0, reason: 'exited' },
  { name: '1', job: ['false'], status: 1, reason: 'exited' },
  { name: '255', job: shell('exit 255'), status: 255, reason: 'exited' },
  { name: '125 of its own', job: shell('exit 125'), status: 125, reason: 'exited' },
  { name: '137 of its own', job: shell('exit 137'), status: 137, reason: 'exited' },
  {
    name: 'SIGSEGV',
    job: shell('kill -SEGV $$'),
    status: 139,
    reason: 'signal',
    signal: 'SIGSEGV',
    says: /^glovebox: The job was killed by SIGSEGV\.$/m,
  },
  {
    name: 'a SIGKILL of its own',
    job: shell('kill -KILL $$'),
    status: 137,
    reason: 'signal',
    signal: 'SIGKILL',
    says: /^glovebox: The job was killed by SIGKILL\.$/m,
  },
  {
    name: 'SIGABRT',
    job: shell('kill -ABRT $$'),
    status: 134,
    reason: 'signal',
    signal: 'SIGABRT',
    says: /^glovebox: The job was killed by SIGABRT\.$/m,
  },
  {
    name: 'the deadline',
    flags: ['--deadline', '300ms'],
    job: ['sleep', '60'],
    status: 124,
    reason: 'deadline',
    says: /^glovebox: The job was ended at its deadline of 300ms \(lifetime\.deadline\)\.$/m,
  },
  {
    name: 'the deadline of a job that talks all the time',
    flags: ['--deadline', '300ms', '--no-output', '20s'],
    job: shell('while sleep 0.05; do echo still here; done'),
    status: 124,
    reason: 'deadline',
    says: /^glovebox: The job was ended at its deadline of 300ms \(lifetime\.deadline\)\.$/m,
  },
  {
    name: 'silence',
    flags: ['--no-output', '300ms'],
    job: shell('echo a last word; sleep 60'),
    status: 124,
    reason: 'noOutput',
    says: /^glovebox: The job was ended after 300ms without output \(lifetime\.noOutput\)\.$/m,
  },
  {
    name: 'a job that closes its outputs and lives on, at its deadline',
    flags: ['--deadline', '500ms'],
    job: shell('exec >&- 2>&-; sleep 60'),
    status: 124,
    reason: 'deadline',
    says: /deadline of 500ms/,
  },
  {
    name: 'a program that is not executable',
    job: ['/etc/passwd'],
    status: 126,
    reason: 'failed',
    says: /^glovebox: The command "\/etc\/passwd" can't be executed in the sandbox: EACCES\.$/m,
  },
  {
    name: 'a folder as command',
    job: ['/usr'],
    status: 126,
    reason: 'failed',
    says: /"\/usr" can't be executed/,
  },
  {
    name: 'an input as command',
    flags: ['--input', '/etc/passwd'],
    job: ['./passwd'],
    status: 126,
    reason: 'failed',
    says: /"\.\/passwd" can't be executed in the sandbox: EACCES\. Its mode may not allow it, and no input’s does: put the program that runs it in front/,
  },
  {
    name: 'a file larger than all that it may write',
    flags: ['--scratch', '1MiB'],
    job: ['dd', 'if=/dev/zero', 'of=x', 'bs=1M', 'count=2', 'status=none'],
    status: 153,
    reason: 'signal',
    signal: 'SIGXFSZ',
    says: /^glovebox: The job was killed by SIGXFSZ: a file would have grown beyond .* 1MiB \(limits\.scratch\)\.$/m,
  },
  {
    name: 'a command that is not there',
    job: ['no-such-command'],
    status: 127,
    reason: 'failed',
    says: /^glovebox: The command "no-such-command" is not in the sandbox: it shows \/usr, and what the policy grants \(files\.read\)\.$/m,
  },
  {
    name: 'too much output',
    flags: ['--max-output', '64KiB'],
    job: ['yes'],
    status: 125,
    reason: 'output',
    says: /^glovebox: The job was ended when it wrote more than 64KiB \(limits\.output\)\.$/m,
  },
  {
    name: 'too much output on both streams together',
    flags: ['--max-output', '64KiB'],
    job: shell('head -c 40000 /dev/zero | tr "\\0" o; head -c 40000 /dev/zero | tr "\\0" e >&2; sleep 60'),
    status: 125,
    reason: 'output',
    says: /more than 64KiB/,
  },
]

for (const ending of ENDINGS)
  asRootAndOrdinary(`ending: ${ending.name}`, async (user, t) => {
    const report = join(testFolder(t, 0o777), 'report.json')
    const flags = ['--report', report, ...(ending.flags ?? [])]
    const result = await ran(user, ['run', ...flags, '--', ...ending.job])
    assert.equal(result.signal, null)
    assert.equal(result.status, ending.status, result.stderr)
    const own = {
      ...result,
      stderr: result.stderr
        .split('\n')
        .map((line) => line.slice(Math.max(0, line.indexOf('glovebox: '))))
        .join('\n'),
    }
    if (ending.says === undefined) assert.equal(result.stderr, '')
    else if (!ending.name.includes('both streams')) assertSaid(own, ending.says)
    const said = reportIn(report).result
    assert.deepEqual(
      { reason: said.reason, exitCode: said.exitCode, signal: said.signal },
      { reason: ending.reason, exitCode: ending.status, signal: ending.signal ?? null },
    )
    if (ending.says !== undefined && ending.reason !== 'signal') assert.notEqual(said.message, null)
  })

asSuiteUser('output is cut at its limit to the byte, and what came before is shown', async (user) => {
  const { stdout, status } = await ran(user, ['run', '--max-output', '10000B', '--', 'yes'])
  assert.equal(status, 125)
  assert.equal(stdout, 'y\n'.repeat(5000))
})

asSuiteUser('exactly the limit is not too much', async (user) => {
  const { stdout, status } = await ran(user, [
    'run',
    '--max-output',
    '10000B',
    '--',
    'head',
    '-c',
    '10000',
    '/dev/zero',
  ])
  assert.equal(status, 0)
  assert.equal(stdout.length, 10000)
})

asSuiteUser('--quiet: nothing on standard error that the job did not say', async (user) => {
  const job = shell('echo its own words >&2; sleep 60')
  const { stderr, status } = await ran(user, ['run', '--quiet', '--deadline', '300ms', '--', ...job])
  assert.equal(status, 124)
  assert.equal(stderr, 'its own words\n')
  for (const args of [
    ['--quiet', '--', 'no-such-command'],
    ['--quiet', '--memory', '1GB', '--', 'true'],
    ['--quiet', '--input', '/no/such/file', '--', 'true'],
  ]) {
    const silent = await ran(user, ['run', ...args])
    assert.equal(silent.stderr, '')
    assert.ok(silent.status === 125 || silent.status === 127)
  }
})

/** python3 -c: fills memory by bytearray, by a file, or in a child */
const EAT: Readonly<Record<string, string>> = {
  'one process': 'python3 -c "x = bytearray(400 << 20)"',
  'a child, while its parent exits 0': '(python3 -c "x = bytearray(400 << 20)"); exit 0',
  'files in /tmp': 'head -c 200M /dev/zero > /tmp/file; exit 0',
  'files in /dev/shm': 'head -c 200M /dev/zero > /dev/shm/file; exit 0',
  'many small processes together':
    'for i in 1 2 3 4; do python3 -c "import time; x = bytearray(40 << 20); time.sleep(20)" & done; wait; exit 0',
}

for (const [name, script] of Object.entries(EAT))
  asEachUser(
    `memory of ${name} ends the run with 137`,
    async (user, t) => {
      const report = join(testFolder(t, 0o777), 'report.json')
      const flags = ['--memory', '100MiB', '--scratch', '1GiB', '--report', report]
      const result = await ran(user, ['run', ...flags, '--', ...shell(script)])
      assert.equal(result.status, 137, result.stderr)
      assert.match(
        result.stderr,
        /^glovebox: The job was ended when it needed more than its 100MiB of memory \(limits\.memory\)\.$/m,
      )
      const { result: said, usage } = reportIn(report)
      assert.deepEqual([said.reason, said.exitCode, said.signal], ['memory', 137, null])
      assert.ok(
        usage.peakMemoryBytes > 90 << 20 && usage.peakMemoryBytes <= 100 << 20,
        `${usage.peakMemoryBytes}`,
      )
    },
    needsMemoryLimit,
  )
