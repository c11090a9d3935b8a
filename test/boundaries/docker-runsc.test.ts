/**
 * Jobs on a Docker Engine whose runtime is gVisor's: what the two make together that neither makes alone. The attacks: a job that speaks for
 * its first process, a gofer or a network that outlives its job, and an engine that starts gVisor otherwise than it says.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Glovebox, type Policy, parsePolicy } from '../../src/index.js'
import { started, type Watched } from '../run/tools.js'
import { TestEngine } from '../support/docker-engine.js'
import { glovebox as commandLine, USERS } from '../support/users.js'

const [root] = USERS

const policyOf = (more: object = {}): Policy =>
  parsePolicy({ version: 1, boundary: 'docker+runsc', lifetime: { deadline: '60s' }, ...more })

/** Processes of this host that were started for an engine's folder. */
const processesOf = (engine: TestEngine) =>
  readdirSync('/proc').filter((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1')
      return /^runsc|containerd-shim/.test(words) && words.includes(engine.folder)
    } catch {
      return false
    }
  })

/** Containers, processes, and folders of scratch. */
async function left(engine: TestEngine): Promise<string[]> {
  const client = await engine.client()
  const volumes = readdirSync(join(engine.folder, 'data/volumes')).filter((name) =>
    /^[0-9a-f]{64}$/.test(name),
  )
  const containers = (await client.containers([])).map(({ Id }) => Id)
  return [...containers, ...processesOf(engine), ...volumes]
}

async function nothingLeft(engine: TestEngine): Promise<void> {
  for (let tries = 0; tries < 300 && (await left(engine)).length > 0; tries++) await sleep(100)
  assert.deepEqual(await left(engine), [])
}

const probe = await TestEngine.start({ sentries: true })
const skip = typeof probe === 'string' ? probe : root === undefined ? 'needs root' : false
const own = probe as TestEngine
after(async () => {
  if (typeof probe !== 'string') await own.end()
})

/** A job that has said that it runs. */
async function running(more: readonly string[] = []): Promise<Watched> {
  assert.ok(root !== undefined)
  const args = [
    'run',
    '--boundary',
    'docker+runsc',
    '--deadline',
    '50s',
    ...more,
    '--',
    'sh',
    '-c',
    'echo up; sleep 40',
  ]
  const run = started(root, args)
  await run.said('up')
  return run
}

describe('a job on an engine whose runtime is gVisor', { skip }, () => {
  before(() => {
    process.env.DOCKER_HOST = `unix://${own.socket}`
  })

  test('cannot speak for its first process, though it can open the way that leads to the host', async () => {
    await using glovebox = await Glovebox.start({ boundary: 'docker+runsc' })
    const script = `printf '\\21\\0\\0\\0c\\20\\0\\0\\0E\\0\\0\\0\\0\\0\\0\\0\\0' > /proc/1/fd/11 && echo written >&2; head -c 5000 /dev/zero > /proc/1/fd/11; sleep 20`
    const result = await glovebox.run(policyOf(), ['sh', '-c', script])
    assert.notEqual(result.reason, 'exited')
    assert.match(result.message ?? '', /because of what came out of it/)
    assert.equal(result.text(), '')
  })

  test('has scratch that is bounded in bytes and in files, by this kernel', async () => {
    await using glovebox = await Glovebox.start({ boundary: 'docker+runsc' })
    const script = `head -c 9000000 /dev/zero > /job/x; wc -c < /job/x; i=0; while true > /tmp/$i; do i=$((i+1)); done; echo $i`
    const { stdout } = await glovebox.run(policyOf({ limits: { scratch: '8MiB' } }), ['sh', '-c', script])
    const [bytes = 0, files = 0] = Buffer.from(stdout).toString().trim().split('\n').map(Number)
    assert.ok(bytes > 1_000_000 && bytes <= 4 * 1024 ** 2, `${bytes}`)
    assert.ok(files > 10 && files < 1_000_000, `${files}`)
  })

  test('is told of a policy with a lock that no filter of a sentry’s asks another process', async () => {
    await using glovebox = await Glovebox.start({ boundary: 'docker+runsc' })
    await assert.rejects(
      glovebox.run(policyOf({ syscalls: { profile: 'compute' } }), ['true']),
      /syscalls\.no-exec can't be enforced here/,
    )
  })

  test('killed with -9 at 30 moments of its command line leaves nothing, with a network and without', async () => {
    if (root === undefined) return
    for (let turn = 0; turn < 30; turn++) {
      const network = turn % 2 === 0 ? ['--allow-host', 'host.test'] : []
      const args = ['run', '--boundary', 'docker+runsc', '--deadline', '50s', ...network, '--', 'sleep', '30']
      const run = started(root, args)
      await sleep(100 + 80 * turn)
      run.child.kill('SIGKILL')
      await run.ended
    }
    // the next start finds what was made and never started
    const { status, stderr } = await commandLine(root, [
      'run',
      '--boundary',
      'docker+runsc',
      '--',
      'sleep',
      '1',
    ])
    assert.equal(status, 0, stderr)
    await nothingLeft(own)
  })

  for (const which of ['the job’s', 'the network’s'] as const)
    test(`${which} container removed under us: the run ends with one sentence`, async () => {
      const run = await running(['--allow-host', 'host.test'])
      const client = await own.client()
      const all = await client.containers(['glovebox.owner'])
      assert.equal(all.length, 2)
      const kinds = await Promise.all(all.map(({ Id }) => client.container(Id)))
      const wanted = which === 'the job’s' ? 'runsc' : 'runc'
      const found =
        kinds.find(({ HostConfig }) => HostConfig.Runtime === wanted) ?? assert.fail('no such container')
      await client.remove(found.Id)
      const { status, stderr } = await run.ended
      assert.equal(status, 125, stderr)
      assert.match(stderr, /^glovebox: The sandbox was killed: [^\n]+\n$/)
      await nothingLeft(own)
    })

  test('ends with an engine that is killed, and the next one has nothing left', async () => {
    if (root === undefined) return
    const run = await running(['--allow-host', 'host.test'])
    await own.down('SIGKILL')
    const { status, stderr } = await run.ended
    assert.equal(status, 125, stderr)
    assert.match(stderr, /^glovebox: [^\n]+\n$/)
    assert.deepEqual(
      processesOf(own).filter((pid) => /^runsc/.test(readFileSync(`/proc/${pid}/cmdline`, 'latin1'))),
      [],
    )
    assert.ok(await own.up(), 'dockerd starts again')
    const next = await commandLine(root, ['run', '--boundary', 'docker+runsc', '--', 'true'])
    assert.equal(next.status, 0, next.stderr)
  })
})

describe('an engine that starts gVisor otherwise', {
  skip: root === undefined ? 'needs root' : false,
  concurrency: 1,
}, () => {
  for (const [words, more, said] of [
    [['--network=host'], [], /runtime runsc is started with "--network=host".*Write `\{"runtimes"/],
    [['--debug', '--debug-log=/tmp/never/'], [], /runtime runsc is started with "--debug"/],
    [
      ['--network=none'],
      ['--allow-host', 'host.test'],
      /network\.gateway-only can't be enforced here: .*--network=none/,
    ],
  ] as const)
    test(`${words.join(' ')}: refused before anything is made`, async (t) => {
      if (root === undefined) return
      const engine = await TestEngine.start({ runsc: words })
      if (typeof engine === 'string') return t.skip(engine)
      process.env.DOCKER_HOST = `unix://${engine.socket}`
      t.after(() => engine.end())
      const args = ['run', '--boundary', 'docker+runsc', ...more, '--', 'true']
      const { status, stderr } = await commandLine(root, args)
      assert.equal(status, 125)
      assert.match(stderr, said)
      assert.match(stderr, /^glovebox: [^\n]+\n$/)
      assert.deepEqual(await (await engine.client()).containers([]), [])
    })

  test('--network=none: a policy without a network runs on every kernel', async (t) => {
    if (root === undefined) return
    const engine = await TestEngine.start({ runsc: ['--network=none'] })
    if (typeof engine === 'string') return t.skip(engine)
    process.env.DOCKER_HOST = `unix://${engine.socket}`
    t.after(() => engine.end())
    const { status, stdout, stderr } = await commandLine(root, [
      'run',
      '--boundary',
      'docker+runsc',
      '--',
      'uname',
      '-r',
    ])
    assert.deepEqual([status, stdout], [0, '4.4.0\n'], stderr)
    await nothingLeft(engine)
  })
})
