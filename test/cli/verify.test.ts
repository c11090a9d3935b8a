/** verify, as a person, a program and a CI system read it. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { receiptOf, type Verification } from '../../src/proof/verify/index.js'
import { asRootAndOrdinary, asSuiteUser, assertSaid, HANG, ran, started } from '../run/tools.js'
import { testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { type TestUser, USERS } from '../support/users.js'

/** One claim, so that what is tested here is not the attacks. */
const ONLY = ['--only', 'isolation.processes']

const verify = (user: TestUser, ...args: string[]) => ran(user, ['verify', ...args])

asRootAndOrdinary(
  'the text: a line a claim, and the sum; nothing on standard error where nobody looks',
  async (user) => {
    const { status, stdout, stderr } = await verify(user, ...ONLY)
    assert.deepEqual([status, stderr], [0, ''], stdout)
    assert.match(stdout, /^holds +isolation\.processes +\d+ probes$/m)
    assert.match(stdout, /^1 claim: 1 hold, 0 broken/m)
    assert.match(stdout, /^Only isolation\.processes: the rest was not looked at/m)
    const verbose = await verify(user, ...ONLY, '--verbose')
    assert.match(verbose.stdout, /^ +processes\.signal: send a signal/m)
  },
)

asRootAndOrdinary('--json: one object, which says on what it rests', async (user) => {
  const { status, stdout } = await verify(user, ...ONLY, '--json')
  assert.equal(status, 0, stdout)
  const found = JSON.parse(stdout) as Verification
  assert.deepEqual([found.version, found.passed, found.only], [1, true, ['isolation.processes']])
  assert.match(found.policySha256 + found.planSha256, /^[0-9a-f]{128}$/)
  for (const [part, hash] of Object.entries(found.parts)) assert.match(hash ?? '', /^[0-9a-f]{64}$/, part)
  assert.equal(found.host.user, user.isRoot ? 'root' : 'ordinary')
  for (const probe of found.probes) {
    assert.deepEqual(Object.keys(probe), ['id', 'claim', 'threat', 'tries', 'status', 'why', 'ms'])
    assert.ok(['holds', 'notApplicable'].includes(probe.status), probe.why.join())
  }
})

asSuiteUser('--list runs nothing, and names each probe', async (user) => {
  const { status, stdout } = await verify(user, ...ONLY, '--list')
  assert.equal(status, 0)
  assert.match(
    stdout,
    /^processes\.signal +send a signal to a process of the host \[isolation\.processes\]$/m,
  )
  const json = JSON.parse((await verify(user, '--list', '--json')).stdout)
  assert.ok(json.some(({ id }: { id: string }) => id === 'processes.signal'))
})

asSuiteUser('--junit: a file that an XML parser reads', async (user, t) => {
  const file = join(testFolder(t), 'results.xml')
  const { status, stderr } = await verify(user, ...ONLY, '--junit', file)
  assert.equal(status, 0, stderr)
  assert.match(readFileSync(file, 'utf8'), /<testsuite name="isolation" tests="\d+" failures="0"/)
  const parser = ['/usr/bin/xmllint', '/usr/bin/python3'].find((each) => existsSync(each))
  if (parser === undefined) return t.skip('neither xmllint nor python3 is here')
  const args = parser.endsWith('xmllint')
    ? ['--noout', file]
    : ['-c', 'import sys,xml.dom.minidom as m; m.parse(sys.argv[1])', file]
  const parsed = spawnSync(parser, args, { encoding: 'utf8' })
  assert.equal(parsed.status, 0, parsed.stderr)
})

asRootAndOrdinary(
  'a receipt: written whole, for all to read, and true as long as nothing changes',
  async (user, t) => {
    const folder = testFolder(t, 0o777)
    const file = join(folder, 'receipt.json')
    const flags = ['--memory', '64MiB']
    const made = await finished(
      user.as([
        '/bin/sh',
        '-c',
        'umask 077; exec "$@"',
        'sh',
        ...user.cli(['verify', ...flags, '--receipt', file]),
      ]),
      { cwd: '/', ...HANG, timeout: 180_000 },
    )
    assert.equal(made.status, 0, made.stdout + made.stderr)
    assert.equal(statSync(file).mode & 0o777, 0o644)
    assert.deepEqual(readdirSync(folder), ['receipt.json'])
    const same = await verify(user, ...flags, '--check', file)
    assert.deepEqual([same.status, same.stderr], [0, ''], same.stdout)
    const other = await verify(user, '--memory', '65MiB', '--check', file)
    assert.equal(other.status, 1)
    assert.match(other.stdout, /^CHANGED {2}policySha256: /m)
    assert.match(other.stdout, /^CHANGED {2}planSha256: /m)
    const { sha256, ...found } = JSON.parse(readFileSync(file, 'utf8'))
    assert.match(sha256, /^[0-9a-f]{64}$/)
    const forged = {
      ...found,
      host: { ...found.host, kernel: '4.19.0' },
      parts: { ...found.parts, cell: 'x' },
    }
    const elsewhere = join(folder, 'elsewhere.json')
    writeFileSync(elsewhere, JSON.stringify(receiptOf(forged)), { mode: 0o644 })
    const moved = await verify(user, ...flags, '--check', elsewhere, '--json')
    assert.equal(moved.status, 1)
    const whats = JSON.parse(moved.stdout).changes.map(({ what }: { what: string }) => what)
    assert.deepEqual(whats, ['host.kernel', 'parts.cell'])
  },
)

describe('mistakes', { concurrency: 2 }, () => {
  const [user] = USERS
  /** what is typed, and what is said; {f}: a folder */
  const wrong: readonly (readonly [string[], RegExp])[] = [
    [
      ['--only', 'isolation.procesess'],
      /no claim or probe begins with that\. Did you mean isolation\.processes\?/,
    ],
    [['--only', ''], /--only "": no claim or probe begins with that/],
    [
      ['--check', '{f}/none.json'],
      /--check \S+\/none\.json: there is no such file\. Name a file that --receipt wrote/,
    ],
    [['--check', '{f}'], /that is not a plain file/],
    [['--check', '{f}/large.json'], /it has more than 4194304 bytes/],
    [['--check', '{f}/fifo'], /that is not a plain file/],
    [['--check', '{f}/text.json'], /is damaged, or no receipt/],
    [['--check', '{f}/r.json', '--junit', '{f}/x.xml'], /--check and --junit don't go together/],
    [['--check', '{f}/r.json', '--only', 'x'], /--check and --only don't go together/],
    [['--list', '--receipt', '{f}/x'], /--list and --receipt don't go together/],
    [[...ONLY, '--receipt', '{f}/x'], /a receipt is of all probes/],
    [['--receipt', '{f}/no/receipt.json'], /--receipt \S+: there is no folder \S+\/no\. Make it first/],
    [['--receipt', '{f}'], /that is a folder; name a file in it/],
    [['--receipt', '{f}/link'], /that is a link, and none is followed/],
    [['--receipt', '{f}/fifo'], /that is no plain file/],
    [['--receipt', '/proc/receipt.json'], /nothing can be written to \/proc/],
    [['--junit', '{f}/no/x.xml'], /--junit \S+: there is no folder/],
    [['--junit', '{f}/x', '--receipt', '{f}/x'], /name one file: write two/],
    [['processes'], /"processes" is neither a flag nor behind "--"/],
    [['--onyl', 'x'], /There is no flag "--onyl"\. Did you mean --only\?/],
    [['--policy', 'imagemagik'], /Did you mean imagemagick\?/],
  ]
  for (const [args, says] of wrong)
    test(`glovebox verify ${args.join(' ')}: before any attack`, { skip: user?.skip ?? false }, async (t) => {
      assert.ok(user !== undefined)
      const f = testFolder(t)
      writeFileSync(join(f, 'large.json'), Buffer.alloc(5_000_000, ' '))
      writeFileSync(join(f, 'text.json'), 'all is well')
      symlinkSync(join(f, 'text.json'), join(f, 'link'))
      spawnSync('mkfifo', [join(f, 'fifo')])
      const before = readdirSync(f)
      const said = await verify(user, ...args.map((each) => each.replace('{f}', f)))
      assert.deepEqual([said.status, said.stdout], [2, ''], said.stderr)
      assertSaid(said, says)
      assert.deepEqual(readdirSync(f), before)
      assert.ok(lstatSync(join(f, 'link')).isSymbolicLink())
    })
})

asRootAndOrdinary('a receipt in a folder of others is refused before the attacks', async (user, t) => {
  if (user.isRoot) return // who may write everywhere
  const folder = join(testFolder(t, 0o755), 'closed')
  mkdirSync(folder)
  chmodSync(folder, 0o555)
  const said = await verify(user, '--receipt', join(folder, 'r.json'))
  assert.equal(said.status, 2, said.stdout)
  assertSaid(said, /nothing can be written to \S+ \(E(ACCES|ROFS)\)/)
})

asSuiteUser('a command behind -- is not run, as with explain', async (user) => {
  const { status, stdout } = await verify(user, ...ONLY, '--list', '--', 'sh', '-c', 'echo it ran')
  assert.equal(status, 0)
  assert.doesNotMatch(stdout, /^it ran$/m)
})

asRootAndOrdinary('a host that can not keep the plan is told, and is no wrong usage', async (user) => {
  if (user.noMemoryLimit === null) return
  const argv = user.cli(['verify']).filter((item) => item !== '--waive' && item !== 'limits.memory')
  const said = await finished(user.as(argv), { cwd: '/', ...HANG })
  assert.equal(said.status, 1, said.stdout)
  assertSaid(said, /limits\.memory can't be enforced here/)
})

asRootAndOrdinary('SIGINT, and Ctrl-C to all of the group: it ends, and nothing is left', async (user, t) => {
  for (const group of [false, true]) {
    const folder = testFolder(t, 0o777)
    const env = { ...process.env, TMPDIR: folder }
    const watched = started(user, ['verify'], { detached: true, env })
    const decoys = () => readdirSync(folder).filter((name) => name.startsWith('glovebox-verify-'))
    while (decoys().length === 0 && watched.child.exitCode === null) await sleep(2)
    process.kill(group ? -watched.pid : watched.pid, 'SIGINT')
    const { status, stderr } = await watched.ended
    // it may have been done already
    assert.ok(status === 130 || status === 0, `${status}: ${stderr}`)
    const said = 'glovebox: Ended by a signal: nothing was verified, and nothing is left.\n'
    assert.equal(stderr, status === 130 ? said : '')
    assert.deepEqual(decoys(), [])
  }
})

test('on a terminal a counter is written over, and gone in the end; --quiet has none', async (t) => {
  const [user] = USERS
  if (user === undefined || user.skip !== null) return t.skip(user?.skip ?? 'nobody')
  if (!existsSync('/usr/bin/script')) return t.skip('script (util-linux) is not installed')
  const shown = (...args: string[]) =>
    new Promise<string>((resolve) => {
      const words = user.cli(['verify', ...ONLY, ...args]).map((word) => `'${word}'`)
      const child = spawn('/usr/bin/script', ['-qec', `${words.join(' ')} >/dev/null`, '/dev/null'], {
        stdio: ['ignore', 'pipe', 'ignore'],
        env: { ...process.env, TERM: 'xterm' },
      })
      let text = ''
      child.stdout.on('data', (part) => {
        text += part
      })
      child.on('close', () => resolve(text))
    })
  const text = await shown()
  assert.match(text, /\rglovebox: 1 of \d+ probes {2}processes\./)
  assert.ok(text.endsWith('\r\u001b[K'), JSON.stringify(text.slice(-40)))
  assert.equal(await shown('--quiet'), '')
})
