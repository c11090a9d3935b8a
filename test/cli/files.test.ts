/**
 * --input, --output and --report. The attacks: a device or link that a moved file would replace, a report cut in half, names
 * that act on a terminal.
 */
import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { launchFailure } from '../../src/boundary/cell/failure.js'
import { bubblewrap } from '../../src/boundary/process/program.js'
import { hostOf } from '../../src/sandbox/index.js'
import { asRootAndOrdinary, asSuiteUser, assertSaid, HANG, ran, reportIn } from '../run/tools.js'
import { ROOT, testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { SUITE_IS_ROOT } from '../support/users.js'

asRootAndOrdinary(
  '--input and --output: a name alone, FILE:INSIDE, INSIDE:FILE, a folder',
  async (user, t) => {
    const cwd = testFolder(t, 0o777)
    writeFileSync(join(cwd, 'in.txt'), 'text')
    const script = 'cat in.txt other/name > out.txt; cp out.txt /tmp/abs; mkdir -p d/e; echo deep > d/e/f'
    const flags = [
      ...['--input', 'in.txt', '--input', `${cwd}/in.txt:other/name`],
      ...['--output', 'out.txt', '--output', '/tmp/abs:renamed.txt', '--output', 'd'],
    ]
    const result = await ran(user, ['run', ...flags, '--', 'sh', '-c', script], { cwd })
    assert.deepEqual([result.status, result.stderr], [0, ''])
    assert.equal(readFileSync(join(cwd, 'out.txt'), 'utf8'), 'texttext')
    assert.equal(readFileSync(join(cwd, 'renamed.txt'), 'utf8'), 'texttext')
    assert.equal(readFileSync(join(cwd, 'd/e/f'), 'utf8'), 'deep\n')
    assert.deepEqual(readdirSync(cwd).sort(), ['d', 'in.txt', 'out.txt', 'renamed.txt'])
  },
)

/** flags, what is said; the work directory holds in.txt and a folder `folder` */
const REFUSED: readonly (readonly [string[], RegExp])[] = [
  [['--input', 'nope.txt'], /The input file .*nope\.txt can't be read: there is no such file\./],
  [['--input', 'folder'], /is not a plain file\. A folder can be granted with --read\./],
  [['--input', 'in.txt:/usr/x'], /would be \/usr\/x, where nothing can be put\. Inputs go below/],
  [['--input', ':x'], /nothing on one side of its colon/],
  [['--input', 'in.txt', '--input', './in.txt'], /Two --input are in\.txt inside/],
  [['--output', 'a', '--output', 'a:b'], /Two --output are a inside/],
  [
    ['--output', 'a:same', '--output', 'b:same'],
    /Two outputs would be written to .*same, one over the other/,
  ],
  [['--output', 'a:no/such/folder'], /there is no folder .*no\/such\. Make it first\./],
  [['--output', 'a:/dev/null'], /\/dev\/null is no plain file/],
  [['--output', '*.txt'], /write a path, not a pattern/],
  [['--report', 'folder'], /that is a folder; name a file in it/],
  [['--report', 'no/such/folder'], /there is no folder .*no\/such\. Make it first\./],
]

for (const [flags, says] of REFUSED)
  asSuiteUser(`run ${flags.join(' ')} is refused before anything runs`, async (user, t) => {
    const cwd = testFolder(t, 0o777)
    writeFileSync(join(cwd, 'in.txt'), 'text')
    mkdirSync(join(cwd, 'folder'))
    const result = await ran(user, ['run', ...flags, '--', 'echo', 'it ran'], { cwd })
    assert.deepEqual([result.status, result.stdout], [125, ''], result.stderr)
    assertSaid(result, says)
    assert.deepEqual(readdirSync(cwd).sort(), ['folder', 'in.txt'])
  })

asRootAndOrdinary('an input that this user may not read is refused in one sentence', async (user, t) => {
  if (user.isRoot || !SUITE_IS_ROOT) return t.skip('needs root, and a user who is not')
  const cwd = testFolder(t, 0o777)
  writeFileSync(join(cwd, 'secret'), 'x')
  chmodSync(join(cwd, 'secret'), 0o600)
  const result = await ran(user, ['run', '--input', 'secret', '--', 'cat', 'secret'], { cwd })
  assert.deepEqual([result.status, result.stdout], [125, ''])
  assertSaid(result, /can't be read: this user may not read it\./)
})

asSuiteUser(
  'an output outside the work directory, one that was not made, one of a job that failed',
  async (user, t) => {
    const cwd = testFolder(t, 0o777)
    const outside = await ran(user, ['run', '--output', '/usr/x:x', '--', 'true'], { cwd })
    assert.equal(outside.status, 125)
    assertSaid(
      outside,
      /\/usr\/x is not in a folder that the job may write to; an output is named as it is inside/,
    )
    const forgotten = await ran(user, ['run', '--output', 'x', '--', 'true'], { cwd })
    assert.equal(forgotten.status, 125)
    assertSaid(forgotten, /exited 0 without making \/job\/x; name what it makes as it is inside/)
    const failed = await ran(user, ['run', '--output', 'x', '--', 'sh', '-c', 'exit 3'], { cwd })
    assert.deepEqual([failed.status, failed.stderr], [3, ''])
  },
)

/** Title, colour, 8-bit clear, bidi overrides and marks, no width, and a sentence that Glovebox never said. */
const EVIL = '\u001b]0;owned\u0007\u001b[31m\u009b2J\u202e\u2066x\u200f\u200b\nglovebox: forged'

/** What was said holds the name, spelled out, and nothing that acts; no line is the name's own. */
function assertHarmless(said: string, what: string): void {
  assert.match(said, /owned/, `${what}: it does not say which`)
  assert.doesNotMatch(said, /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u, `${what}: ${JSON.stringify(said)}`)
  assert.doesNotMatch(said, /^(glovebox: )?forged|^glovebox: glovebox/m, `${what}: ${said}`)
}

asSuiteUser('names that act on a terminal never reach it raw', async (user, t) => {
  const cwd = testFolder(t, 0o777)
  const job = ['python3', '-c', `import os; os.mkdir('d'); open('d/' + ${JSON.stringify(EVIL)}, 'w')`]
  const planted = await ran(user, ['run', '--output', 'd', '--', ...job], { cwd })
  assert.equal(planted.status, 125)
  assertHarmless(planted.stderr, 'an output that the job named')
  for (const args of [
    ['run', '--', EVIL],
    ['run', '--', `/${EVIL}`],
    ['run', `--${EVIL}`, '--', 'true'],
    ['run', '--input', EVIL, '--', 'true'],
    ['run', '--input', `/etc/passwd:${EVIL}`, '--', 'true'],
    ['run', '--output', `x:${EVIL}/y`, '--', 'true'],
    ['run', '--output', EVIL, '--', 'true'],
    ['run', '--read', EVIL, '--', 'true'],
    ['run', '--write', EVIL, '--', 'true'],
    ['run', '--env', EVIL, '--', 'true'],
    ['run', '--env', `${EVIL}=1`, '--', 'true'],
    ['run', '--workdir', `/${EVIL}`, '--', 'true'],
    ['run', '--waive', EVIL, '--', 'true'],
    ['run', '--memory', EVIL, '--', 'true'],
    ['run', '--boundary', EVIL, '--', 'true'],
    ['run', '--policy', `./${EVIL}`, '--', 'true'],
    ['run', '--report', `${EVIL}/x`, '--', 'true'],
    ['run', EVIL, '--', 'true'],
    ['explain', EVIL],
    ['doctor', EVIL],
    ['policy', EVIL],
    ['policy', 'check', `./${EVIL}`],
    ['policy', 'check', '--json', `./${EVIL}`],
    [EVIL],
  ]) {
    const plain = [process.execPath, join(ROOT, 'bin/glovebox'), ...args]
    const refused = await finished(args[0] === 'run' ? user.cli(args) : plain, { cwd, ...HANG })
    assert.notEqual(refused.status, 0, args.join(' '))
    assertHarmless(refused.stderr + refused.stdout, args.join(' '))
  }
  assert.deepEqual(readdirSync(cwd), [])

  const file = join(cwd, 'report.json') // which may be a terminal, too
  await ran(user, ['run', '--report', file, '--tenant', EVIL, '--', EVIL], { cwd })
  assertHarmless(readFileSync(file, 'utf8'), 'a report')
  const { tenant, command } = reportIn(file)
  assert.deepEqual([tenant, command], [EVIL, [EVIL]])
})

asSuiteUser('keys and values of a policy act on no terminal either', async (_user, t) => {
  const cwd = testFolder(t, 0o777)
  const file = join(cwd, EVIL)
  const check = async (policy: object, ...flags: string[]) => {
    writeFileSync(file, JSON.stringify(policy))
    const argv = [process.execPath, join(ROOT, 'bin/glovebox'), 'policy', 'check', ...flags, file]
    const { stdout, stderr } = await finished(argv, { cwd, ...HANG })
    assertHarmless(stdout + stderr, JSON.stringify(policy))
    return stdout
  }
  for (const policy of [
    { version: 1 },
    { version: 1, [EVIL]: 1 },
    { version: EVIL },
    { version: 1, root: EVIL },
  ]) {
    await check(policy)
    const told = JSON.parse(await check(policy, '--json')) as { file: string }
    assert.equal(told.file, file)
  }
  const env = {
    version: 1,
    env: { A: EVIL, [EVIL]: 'x' },
    files: { read: [EVIL], write: [EVIL] },
    waive: [EVIL],
  }
  await check(env)
})

test('what a failed start said acts on no terminal', () => {
  for (const text of [`bwrap: ${EVIL}`, `cell: grant: /${EVIL}: 2: no`, `cell: grant: ${EVIL}`, EVIL]) {
    const { what, get } = launchFailure(text, hostOf(), bubblewrap)
    assert.doesNotMatch(`${what} ${get}`, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  }
})

asSuiteUser('--report of a refusal, and of a run that failed', async (user, t) => {
  const cwd = testFolder(t, 0o777)
  for (const [more, reason] of [
    [['--memory', '1GB', '--', 'true'], 'rejected'],
    [['--input', 'nope', '--', 'true'], 'rejected'],
    [['--boundary', 'microvm', '--', 'true'], 'rejected'],
    [['--', 'no-such-command'], 'failed'],
  ] as const) {
    await ran(user, ['run', '--report', 'report.json', ...more], { cwd })
    const { result, command } = reportIn(join(cwd, 'report.json'))
    assert.equal(result.reason, reason)
    assert.notEqual(result.message, null)
    assert.deepEqual(command, more.slice(more.indexOf('--') + 1))
    assert.deepEqual(readdirSync(cwd), ['report.json'])
  }
})

asSuiteUser(
  '--report replaces a report whole, follows a link to it, and never replaces a device',
  async (user, t) => {
    const cwd = testFolder(t, 0o777)
    writeFileSync(join(cwd, 'real.json'), 'x'.repeat(100_000))
    symlinkSync('real.json', join(cwd, 'link.json'))
    const linked = await ran(user, ['run', '--report', 'link.json', '--', 'true'], { cwd })
    assert.equal(linked.status, 0, linked.stderr)
    assert.equal(reportIn(join(cwd, 'real.json')).result.reason, 'exited')
    assert.deepEqual(readdirSync(cwd).sort(), ['link.json', 'real.json'])
    const nowhere = await ran(user, ['run', '--report', '/dev/null', '--', 'true'], { cwd })
    assert.equal(nowhere.status, 0, nowhere.stderr)
    assert.ok(statSync('/dev/null').isCharacterDevice(), '/dev/null was replaced by a file')
  },
)

asRootAndOrdinary(
  '--report where this user may not write is refused before the job runs',
  async (user, t) => {
    if (user.isRoot) return t.skip('root may write everywhere')
    const folder = SUITE_IS_ROOT ? testFolder(t, 0o755) : '/'
    const result = await ran(user, ['run', '--report', join(folder, 'r.json'), '--', 'echo', 'it ran'])
    assert.deepEqual([result.status, result.stdout], [125, ''])
    assertSaid(result, /nothing can be written to .* \(EACCES\)/)
    assert.equal(existsSync(join(folder, 'r.json')), false)
  },
)

asSuiteUser('the files of the folder one stands in are not there, and one is told so', async (user, t) => {
  const cwd = testFolder(t, 0o755)
  writeFileSync(join(cwd, 'here.txt'), 'text')
  const hint =
    /^glovebox: "[^"]*here\.txt" is here, but not in the sandbox: --input copies a file in, --read shows a file or folder\.$/m
  for (const name of ['here.txt', './here.txt', join(cwd, 'here.txt')]) {
    const { status, stderr } = await ran(user, ['run', '--', 'cat', name], { cwd })
    assert.equal(status, 1)
    assert.match(stderr, hint)
  }
  const script = await ran(user, ['run', '--', './here.txt'], { cwd })
  assert.equal(script.status, 127)
  assert.match(script.stderr, hint)
  for (const args of [
    ['--input', 'here.txt', '--', 'sh', '-c', 'exit 1', 'here.txt'],
    ['--', 'sh', '-c', 'exit 1', 'absent.txt'],
    ['--', 'true', 'here.txt'],
    ['--quiet', '--', 'sh', '-c', 'exit 1', 'here.txt'],
  ])
    assert.equal((await ran(user, ['run', ...args], { cwd })).stderr, '')
})

asSuiteUser('a command elsewhere, and a command in one word, are told apart', async (user) => {
  const elsewhere = await ran(user, ['run', '--', '/opt/no-such/tool'])
  assert.equal(elsewhere.status, 127)
  assertSaid(elsewhere, /Show its folder with --read "\/opt\/no-such"\./)
  const oneWord = await ran(user, ['run', '--', 'ls -la'])
  assert.equal(oneWord.status, 127)
  assertSaid(oneWord, /Give its words as separate arguments: there is no shell\./)
})

asSuiteUser(
  'a script whose interpreter is not in the sandbox, and a shell under compute: said',
  async (user, t) => {
    const cwd = testFolder(t, 0o777)
    writeFileSync(join(cwd, 'script'), '#!/no/such/interpreter\n', { mode: 0o755 })
    writeFileSync(join(cwd, 'compute.yaml'), 'version: 1\nsyscalls: {profile: compute}\n')
    const script = await ran(user, ['run', '--read', `${cwd}:/in`, '--', '/in/script'], { cwd })
    assert.equal(script.status, 127)
    assertSaid(script, /"\/in\/script", or the interpreter that its first line names, is not in the sandbox/)
    assert.doesNotMatch(script.stderr, /--read/)
    const compute = ['run', '--policy', './compute.yaml', '--']
    const shell = await ran(user, [...compute, 'sh', '-c', 'ls /; exit 1'], { cwd })
    assert.equal(shell.status, 1)
    assert.match(
      shell.stderr,
      /^glovebox: "sh" starts other programs, and syscalls\.profile: compute refuses/m,
    )
    const reader = await ran(user, [...compute, 'grep', 'x', '/dev/null'], { cwd })
    assert.deepEqual([reader.status, reader.stderr], [1, ''])
  },
)
