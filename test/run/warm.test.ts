/** Sandboxes that wait for their jobs. What one of them must not be: older than what it shows, somebody else's, or used twice. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  Glovebox,
  type GloveboxOptions,
  LaunchError,
  type Policy,
  parsePolicy,
  type RunResult,
  UsageError,
} from '../../src/index.js'
import { mountFor, ROOT, testFolder } from '../support/checkout.js'
import { SUITE_IS_ROOT, USERS } from '../support/users.js'
import { family, launchersOf, textOf } from './tools.js'

const [user] = USERS
const waive = user?.noMemoryLimit === null ? [] : ['limits.memory']
const policyOf = (extra: object = {}): Policy => parsePolicy({ version: 1, waive, ...extra })
const PLAIN = policyOf()

async function glovebox(t: TestContext, options: GloveboxOptions = {}): Promise<Glovebox> {
  const made = await Glovebox.start({ warm: true, ...options })
  t.after(() => made.close())
  return made
}

const waited = ({ report }: RunResult) => report.sandbox?.warm
/** First processes of sandboxes below one: bubblewrap executes them by a descriptor. */
const agents = (root = process.pid) =>
  family(root).filter((pid) => /^\/proc\/self\/fd\/\d+\0/.test(textOf(pid, 'cmdline')))

async function until(fine: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !fine(); tries++) {
    assert.ok(tries < 1_000, what)
    await sleep(20)
  }
}

describe('sandboxes that wait for their jobs', { skip: user?.skip ?? false }, () => {
  test('a run takes one that waited, which no other ever gets: nothing of the last job is there', async (t) => {
    const box = await glovebox(t)
    await box.keepWarm(PLAIN, 2)
    const script =
      'ls -A /tmp /dev/shm "$HOME"; echo mine | tee /tmp/x /dev/shm/x "$HOME/.x"; sleep 100 & echo $$'
    const said = new Set<string>()
    for (let count = 0; count < 5; count++) {
      const result = await box.run(PLAIN, ['sh', '-c', script])
      assert.equal(result.exitCode, 0, result.message ?? Buffer.from(result.stderr).toString())
      assert.equal(waited(result), true, `run ${count}`)
      said.add(result.text())
      await box.keepWarm(PLAIN, 2)
    }
    assert.deepEqual([...said].length, 1, 'each saw the same: empty folders, and numbers from the start')
    assert.doesNotMatch([...said][0] ?? '', /x\n/)
  })

  test('nobody asks for it: as many as were needed at once are there for the next time', async (t) => {
    const box = await glovebox(t)
    const three = () => Promise.all([1, 2, 3].map(() => box.run(PLAIN, ['sleep', '0.2'])))
    const first = await three()
    assert.deepEqual(first.map(waited), [false, false, false])
    await until(() => agents().length === 3, 'three wait')
    assert.deepEqual((await three()).map(waited), [true, true, true])
  })

  test('input, standard input, terminal and output are those of the job that takes it', async (t) => {
    const box = await glovebox(t)
    for (const word of ['one', 'two']) {
      await box.keepWarm(PLAIN, 1)
      const options = { inputs: { a: Buffer.from(word) }, stdin: Buffer.from(`${word}!`), outputs: ['b'] }
      const result = await box.run(PLAIN, ['sh', '-c', 'cat a - | tee b'], options)
      assert.equal(waited(result), true)
      assert.equal(result.text(), `${word}${word}!`)
      assert.deepEqual(Buffer.from(result.outputs.b ?? []).toString(), `${word}${word}!`)
    }
    await box.keepWarm(PLAIN, 1)
    const shown = await box.run(PLAIN, ['sh', '-c', 'tty && stty size'], { tty: { columns: 77, rows: 11 } })
    assert.match(shown.text(), /^\/dev\/pts\/0\r\n11 77/)
    assert.equal(waited(shown), true)
  })

  test('its deadline begins with its job, however long it waited', async (t) => {
    const box = await glovebox(t)
    const short = policyOf({ lifetime: { deadline: '500ms' } })
    await box.keepWarm(short, 1)
    await sleep(1_000)
    const fine = await box.run(short, ['true'])
    assert.deepEqual([fine.reason, waited(fine)], ['exited', true])
    await box.keepWarm(short, 1)
    const late = await box.run(short, ['sleep', '60'])
    assert.deepEqual([late.reason, waited(late)], ['deadline', true])
  })

  test('another policy is another sandbox; the same policy read twice is the same', async (t) => {
    const box = await glovebox(t)
    await box.keepWarm(PLAIN, 1)
    const other = await box.run(policyOf({ env: { A: 'b' } }), ['sh', '-c', 'echo $A'])
    assert.deepEqual([other.text(), waited(other)], ['b\n', false])
    assert.equal(waited(await box.run(policyOf(), ['true'])), true)
  })

  test('a granted file or folder that was replaced meanwhile is shown as it is now', async (t) => {
    const folder = testFolder(t, 0o755)
    const [file, tree] = [join(folder, 'file'), join(folder, 'tree')]
    mkdirSync(tree)
    writeFileSync(file, 'old')
    writeFileSync(join(tree, 'a'), 'old')
    const policy = policyOf({ files: { read: [`${file}:/file`, `${tree}:/tree`] } })
    const box = await glovebox(t)
    await box.keepWarm(policy, 1)
    writeFileSync(`${file}.new`, 'new')
    renameSync(`${file}.new`, file)
    const changed = await box.run(policy, ['cat', '/file', '/tree/a'])
    assert.deepEqual([changed.text(), waited(changed)], ['newold', false])
    await box.keepWarm(policy, 1)
    rmSync(tree, { recursive: true })
    mkdirSync(tree)
    writeFileSync(join(tree, 'a'), 'new')
    assert.equal((await box.run(policy, ['cat', '/tree/a'])).text(), 'new')
    // what changes within is there at once, as for one that was just made
    await box.keepWarm(policy, 1)
    writeFileSync(join(tree, 'a'), 'newer')
    const within = await box.run(policy, ['cat', '/tree/a'])
    assert.deepEqual([within.text(), waited(within)], ['newer', true])
  })

  test('what can’t be looked at any more is a start that failed, and ends nobody’s program', async (t) => {
    const file = join(testFolder(t, 0o755), 'file')
    writeFileSync(file, 'old')
    const policy = policyOf({ files: { read: [`${file}:/file`] } })
    const box = await glovebox(t)
    await box.keepWarm(policy, 1)
    rmSync(file)
    symlinkSync(file, file)
    await assert.rejects(box.run(policy, ['cat', '/file'], { inputs: { a: '/etc/hostname' } }), LaunchError)
  })

  test('what was mounted below a granted folder meanwhile is shown as it is now', {
    skip: SUITE_IS_ROOT ? false : 'needs root, to mount',
  }, async (t) => {
    const folder = testFolder(t, 0o755)
    const disk = join(folder, 'disk')
    mkdirSync(disk)
    writeFileSync(join(disk, 'a'), 'below')
    const policy = policyOf({ files: { read: [`${folder}:/g`] } })
    const box = await glovebox(t)
    await box.keepWarm(policy, 1)
    mountFor(folder, 'tmpfs', disk)
    writeFileSync(join(disk, 'a'), 'above')
    const result = await box.run(policy, ['cat', '/g/disk/a'])
    assert.deepEqual([result.text(), waited(result)], ['above', false])
  })

  test('closed while many are being made, it leaves none, and says so to who waits for them', async () => {
    for (const ms of [0, 10, 25]) {
      const box = await Glovebox.start({ warm: true })
      const keeping = [1, 2, 3, 4, 5, 6].map((count) =>
        box.keepWarm(policyOf({ lifetime: { deadline: `${count}s` } }), 1).then(
          () => 'kept',
          (error) => error.code,
        ),
      )
      await sleep(ms)
      await box.close()
      for (const said of await Promise.all(keeping))
        assert.match(said, /^(?:kept|glovebox\.closed|launch\.\w+)$/)
      await until(() => agents().length === 0 && launchersOf(process.pid).length === 0, 'something is left')
    }
  })

  test('one that was killed while it waited is nobody’s: the run that follows is as any', async (t) => {
    const box = await glovebox(t)
    await box.keepWarm(PLAIN, 2)
    await until(() => agents().length === 2, 'two wait')
    const killed = agents()
    for (const pid of killed) process.kill(pid, 'SIGKILL')
    await until(() => agents().filter((pid) => !killed.includes(pid)).length === 2, 'two others wait')
    const results = await Promise.all([1, 2, 3, 4].map(() => box.run(PLAIN, ['echo', 'here'])))
    assert.deepEqual(
      results.map(({ reason }) => reason),
      ['exited', 'exited', 'exited', 'exited'],
    )
  })

  test('without a job for as long as was said, they end', async (t) => {
    const box = await glovebox(t, { warm: { idleMs: 3_000 } })
    await box.run(PLAIN, ['true'])
    await until(() => agents().length === 1, 'one waits')
    await until(() => agents().length === 0, 'it ended')
    assert.equal(waited(await box.run(PLAIN, ['true'])), false)
  })

  test('never more than were allowed to wait', async (t) => {
    const box = await glovebox(t, { warm: { most: 2 } })
    await Promise.all([1, 2, 3, 4].map(() => box.run(PLAIN, ['true'])))
    await until(() => agents().length === 2, 'two wait')
    await sleep(300)
    assert.equal(agents().length, 2)
  })

  test('with a network, the gateway sees the first thing that the job tries', async (t) => {
    const policy = policyOf({ network: { allow: ['host.test'] } })
    const box = await glovebox(t, { network: { resolvers: ['127.0.0.1:9'] } })
    await box.keepWarm(policy, 1)
    const result = await box.run(policy, ['python3', '-c', TRY])
    assert.equal(waited(result), true)
    assert.deepEqual(
      result.report.network.map(({ address, verdict }) => [address, verdict]),
      [['169.254.169.254', 'denyMetadata']],
    )
  })

  test('a mistake is said: not switched on, too many, no number', async (t) => {
    const [off, on] = [await glovebox(t, { warm: false }), await glovebox(t, { warm: { most: 2 } })]
    const refused = (promise: Promise<void>, code: string) =>
      assert.rejects(promise, (error) => error instanceof UsageError && error.code === code)
    await refused(off.keepWarm(PLAIN, 1), 'warm.off')
    await refused(on.keepWarm(PLAIN, 3), 'warm.tooMany')
    await refused(on.keepWarm(PLAIN, -1), 'warm.range')
    await refused(on.keepWarm(PLAIN, 1.5), 'warm.range')
    await assert.rejects(Glovebox.start({ warm: { most: 0 } }), { code: 'warm.range' })
    await on.close()
    await refused(on.keepWarm(PLAIN, 1), 'glovebox.closed')
  })

  test('a supervisor that is killed takes those that wait with it', async (t) => {
    const script = `
      import { Glovebox, parsePolicy } from ${JSON.stringify(join(ROOT, 'dist/src/index.js'))}
      const box = await Glovebox.start({ warm: true })
      await box.keepWarm(parsePolicy(${JSON.stringify({ version: 1, waive })}), 3)
      console.log('there')
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.after(() => child.kill('SIGKILL'))
    await once(child.stdout, 'data')
    await until(() => agents(child.pid).length === 3, 'three wait')
    const started = new Map(family(child.pid ?? 0).map((pid) => [pid, textOf(pid, 'stat').split(' ')[21]]))
    child.kill('SIGKILL')
    const left = () =>
      [...started].filter(([pid, since]) => {
        const stat = textOf(pid, 'stat').split(' ')
        return stat[21] === since && stat[2] !== 'Z'
      })
    await until(() => left().length === 0, 'something of it lives')
  })

  const inspected = { network: { allow: [{ host: 'host.test', inspect: true }] } }
  for (const [what, extra] of Object.entries({ 'at all': {}, 'for a gateway': inspected }))
    test(`a program that forgets to close it ends when they have waited long enough ${what}`, () => {
      const script = `
      import { Glovebox, parsePolicy } from ${JSON.stringify(join(ROOT, 'dist/src/index.js'))}
      const box = await Glovebox.start({ warm: { idleMs: 200 } })
      const result = await box.run(parsePolicy(${JSON.stringify({ version: 1, waive, ...extra })}), ['true'])
      console.log(result.reason)`
      const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
        encoding: 'utf8',
        timeout: 60_000,
      })
      assert.deepEqual([status, stdout], [0, 'exited\n'])
    })
})

const TRY = `
import socket
s = socket.socket()
s.settimeout(5)
try: s.connect(("169.254.169.254", 80))
except OSError: pass
`
