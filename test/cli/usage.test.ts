/** Commands, flags and help. A regression shows as a flag that is ignored in silence, or as another exit code. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { RUN_FLAGS } from '../../src/cli/run.js'
import { VERSION } from '../../src/cli/version.js'
import { asSuiteUser, assertSaid, HANG, ran } from '../run/tools.js'
import { ROOT, testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'

const glovebox = (...args: string[]) =>
  finished([process.execPath, join(ROOT, 'bin/glovebox'), ...args], { cwd: '/', ...HANG })

/** The flags of the contract, for `run`. */
const CONTRACT = [
  ...['--policy', '--boundary', '--root', '--read', '--write', '--input', '--output', '--env', '--workdir'],
  ...['--allow-host', '--allow-public', '--secret', '--deadline', '--no-output', '--memory', '--cpus'],
  ...['--processes', '--max-output', '--scratch', '--open-files', '--tenant', '--waive', '--report', '--tty'],
  '--quiet',
]

test('--version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const { stdout, status } = await glovebox('--version')
  assert.deepEqual([stdout, status], [`${version}\n`, 0])
  assert.equal(VERSION, version)
})

test('help of the whole and of each command goes to standard output, and shows every flag', async () => {
  for (const args of [['--help'], ['-h'], ['help']]) {
    const { stdout, status, stderr } = await glovebox(...args)
    assert.deepEqual([status, stderr], [0, ''])
    for (const command of ['run', 'explain', 'verify', 'doctor', 'policy'])
      assert.match(stdout, new RegExp(`glovebox ${command} `))
  }
  const run = await glovebox('run', '--help')
  for (const flag of [...CONTRACT, ...RUN_FLAGS.map(({ name }) => name)])
    assert.match(run.stdout, new RegExp(`^ {2}${flag}\\b`, 'm'), flag)
  for (const command of ['explain', 'verify', 'doctor', 'policy']) {
    const { stdout, status, stderr } = await glovebox(command, '--help')
    assert.deepEqual([status, stderr], [0, ''])
    assert.match(stdout, new RegExp(`^glovebox ${command}`))
  }
})

/** what is typed, exit code, what is said */
const WRONG: readonly (readonly [string[], number, RegExp])[] = [
  [['rnu', '--', 'id'], 2, /There is no command "rnu"\. Did you mean "run"\?/],
  [['id'], 2, /There is no command "id"\. To run a program: glovebox run -- id/],
  [['--', 'id'], 2, /There is no command "--"\. To run a program: glovebox run -- id …\./],
  [['--memory', '1GiB', '--', 'id'], 2, /To run a program: glovebox run --memory 1GiB …\./],
  [['--verison'], 2, /Did you mean "--version"\?/],
  [['__proto__'], 2, /There is no command/],
  [['image'], 2, /There is no verb: write image import, pull, ls, inspect or rm\./],
  [['image', 'list'], 2, /There is no "image list"/],
  [['image', 'ls', '--private', '10.0.0.0/8'], 2, /image ls takes no --private/],
  [['image', 'rm'], 2, /image rm needs an image/],
  [['image', 'pull', 'debian:12'], 1, /needs the registry too/],
  [['run'], 125, /The command goes behind "--"/],
  [['run', 'id'], 125, /The command goes behind "--": glovebox run .* "id" stands before it\./],
  [
    ['run', 'ls', '-la'],
    125,
    /There is no flag "-la"\. If it is a flag of "ls", write "--" before the command\./,
  ],
  [['run', '--'], 125, /no command behind "--"/],
  [['run', '--', ''], 125, /no command behind "--"/],
  [['run', 'x', '--', 'id'], 125, /"x" is neither a flag nor behind "--"/],
  [['run', '--memroy', '1GiB', '--', 'id'], 125, /There is no flag "--memroy"\. Did you mean --memory\?/],
  [['run', '-it', '--', 'sh'], 125, /There is no flag "-it"\. Did you mean --tty\?/],
  [['run', '-v', '/srv:/srv', '--', 'id'], 125, /There is no flag "-v"\. Did you mean --read\?/],
  [['run', '--profile', 'imagemagick', '--', 'id'], 125, /Did you mean --policy\?/],
  [['explain', '-it'], 2, /There is no flag "-it"\.$/m],
  [['run', '--memory'], 125, /--memory needs a value: --memory 256MiB\./],
  [['run', '--memory', '--', 'id'], 125, /--memory needs a value/],
  [['run', '--memory', '1GiB', '--memory', '2GiB', '--', 'id'], 125, /--memory is given twice/],
  [['run', '--quiet=yes', '--', 'id'], 125, /--quiet takes no value/],
  [['run', '--memory', '256MB', '--', 'id'], 125, /"256MB" is not a size\. Write .* e\.g\. 256MiB/],
  [['run', '--deadline', '10', '--', 'id'], 125, /"10" is not a duration\. Write .* e\.g\. 30s/],
  [['run', '--cpus', '-1', '--', 'id'], 125, /-1/],
  [['run', '--policy', './no-such.yaml', '--', 'id'], 125, /there is no policy file "\.\/no-such\.yaml"/],
  [['run', '--policy', 'imagemagick.yaml', '--', 'id'], 125, /For the built-in profile write imagemagick\./],
  [['run', '--policy', './no/such.yaml', '--', 'id'], 125, /There is no folder ".*\/no" to read\./],
  [
    ['run', '--policy', '.', '--', 'id'],
    125,
    /^glovebox: \/[^:"]*: that is a folder\. Name a policy file in it\.$/m,
  ],
  [['run', '--policy', '', '--', 'id'], 125, /Name a file, or a built-in profile: .*imagemagick/],
  [['run', '--policy', 'imagemagik', '--', 'id'], 125, /Did you mean imagemagick\?/],
  [['run', '--read', 'no/such', '--', 'id'], 125, /"no\/such" does not exist on this host\. Create it/],
  [
    ['run', '--boundary', 'microvm', '--', 'id'],
    125,
    /Write `root: image:REF`; `glovebox image import` takes/,
  ],
  [['run', '--root', 'dir:/x', '--', 'id'], 125, /"\/x" does not exist on this host/],
  [['run', '--allow-host', 'https://a.test', '--', 'id'], 125, /is more than a host\. Write the name alone/],
  [['run', '--allow-host', '*.co.uk', '--', 'id'], 125, /below which anyone may have a name/],
  [['run', '--allow-public=yes', '--', 'id'], 125, /--allow-public takes no value/],
  [
    ['run', '--secret', 'T@a.test', '--', 'id'],
    125,
    /"a\.test" is allowed by no rule of the network.*--allow-host a\.test/,
  ],
  [['run', '--tty', '--', 'id'], 125, /--tty needs a terminal on standard input.*Leave --tty out/],
  [['run', '--waive', 'network.none', '--', 'id'], 125, /is not a control that can be waived/],
  [['run', '--workdir', 'rel', '--', 'id'], 125, /"rel" is not an absolute path/],
  [['run', '--env', 'GLOVEBOX_NOT_SET', '--', 'id'], 125, /is not set here/],
  [['explain', 'x'], 2, /"x" is neither a flag nor behind "--"/],
  [['explain', 'imagemagick', '--against', 'ffmpeg'], 2, /For the policy write --policy imagemagick\./],
  [['verify', 'imagemagick'], 2, /For the policy write --policy imagemagick\./],
  [['run', 'imagemagick', '--', 'id'], 125, /For the policy write --policy imagemagick\./],
  [['explain', '/etc/passwd'], 2, /For the policy write --policy \/etc\/passwd\./],
  [['explain', 'etc'], 2, /For the policy write --policy \.\/etc\./],
  [['explain', '--policy', 'ffmpeg', 'imagemagick'], 2, /The policy is named by --policy already\./],
  [['explain', '--html', 'no-such.html'], 2, /goes to standard output: write --html > no-such\.html\./],
  [['explain', '--json', 'no/such'], 2, /goes to standard output: write --json > no\/such\./],
  [['verify', '--json', 'no-such.json'], 2, /goes to standard output: write --json > no-such\.json\./],
  [['explain', '--html', '/etc/passwd'], 2, /For the policy write --policy \/etc\/passwd\./],
  [['explain', '--input', 'x'], 2, /There is no flag "--input"/],
  [['explain', '--memory', '1GB'], 2, /is not a size/],
  [['doctor', 'x'], 2, /doctor takes no "x"/],
  [['policy'], 2, /write "policy check FILE" or "policy schema"/],
  [['policy', 'check'], 2, /policy check needs a file/],
  [['policy', 'shcema'], 2, /write "policy check FILE" or "policy schema"/],
]

describe('wrong usage: one sentence, and its exit code', { concurrency: 4 }, () => {
  for (const [args, status, says] of WRONG)
    test(`glovebox ${args.join(' ')}: ${status}`, async () => {
      const result = await glovebox(...args)
      assert.equal(result.status, status, result.stderr)
      assert.equal(result.stdout, '')
      assertSaid(result, says)
    })
})

test('glovebox alone shows what it can do, and is wrong usage', async () => {
  const { status, stdout } = await glovebox()
  assert.equal(status, 2)
  assert.match(stdout, /glovebox run/)
})

asSuiteUser('flags reach the job: env, workdir, open files, scratch', async (user) => {
  const script = 'echo $A,$B,$C,$PWD; ulimit -n; df -k --output=size /tmp | tail -1 | tr -d " "'
  const flags = [
    '--env',
    'A=1=2',
    '--env',
    'B',
    '--workdir',
    '/work',
    '--open-files',
    '77',
    '--scratch',
    '8MiB',
  ]
  const env = { ...process.env, B: 'copied', C: 'not' }
  const { stdout, stderr } = await ran(user, ['run', ...flags, '--', 'sh', '-c', script], { env })
  assert.equal(stdout, '1=2,copied,,/work\n77\n8192\n', stderr)
})

asSuiteUser('--read shows a folder, read-only; --write is an empty one, collected', async (user, t) => {
  const folder = testFolder(t)
  const { stdout } = await ran(user, [
    'explain',
    '--read',
    '/usr/share:/in',
    '--write',
    `${folder}:/out`,
    '--json',
  ])
  const { files } = JSON.parse(stdout)
  assert.deepEqual(files.read, [{ host: '/usr/share', inside: '/in' }])
  assert.deepEqual(files.write, [{ host: folder, inside: '/out' }])
})

asSuiteUser('both spellings of a value: --flag VALUE and --flag=VALUE', async (user) => {
  const { stdout } = await ran(user, ['run', '--env=A=1', '--env', 'B=2', '--', 'sh', '-c', 'echo $A$B'])
  assert.equal(stdout, '12\n')
})

asSuiteUser('what stands behind "--" is the command, flags and another "--" included', async (user) => {
  const { stdout } = await ran(user, ['run', '--', 'echo', '--help', '--', '--quiet'])
  assert.equal(stdout, '--help -- --quiet\n')
})
