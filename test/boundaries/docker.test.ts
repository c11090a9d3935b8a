/**
 * Jobs on a Docker Engine, whole: from a policy through the engine, cell and the gateway to the report. The attacks: what an engine adds to a
 * container, or leaves when it or who uses it dies, is there for the job, or for good.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Glovebox, type GloveboxError, type Policy, parsePolicy } from '../../src/index.js'
import { leaks, makeWorld, VALUE } from '../run/credentials-world.js'
import { sleepers, started } from '../run/tools.js'
import { sharedFolder } from '../support/checkout.js'
import { TestEngine } from '../support/docker-engine.js'
import { finished } from '../support/spawned.js'
import { glovebox as commandLine, USERS } from '../support/users.js'

const engine = await TestEngine.start()
const skip = typeof engine === 'string' ? engine : false
const own = engine as TestEngine
if (skip === false) process.env.DOCKER_HOST = `unix://${own.socket}`
const [root] = USERS
after(async () => {
  if (skip === false) await own.end()
})

const policyOf = (more: object = {}): Policy =>
  parsePolicy({ version: 1, boundary: 'docker', lifetime: { deadline: '60s' }, ...more })

/** Until the engine has none. */
async function noneLeft(): Promise<void> {
  const client = await own.client()
  for (let tries = 0; tries < 300 && (await client.containers([])).length > 0; tries++) await sleep(100)
  assert.deepEqual(await client.containers([]), [])
}

/** A number of seconds that no other process sleeps. */
let marks = 0
const marker = () => `${40_000 + process.pid}.${++marks}`

async function until(so: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !so(); tries++) {
    assert.ok(tries < 1_500, what)
    await sleep(20)
  }
}

describe('a job on an engine', { skip }, () => {
  test('has its network through the gateway alone; what is refused has its verdict and is on record', async (t) => {
    const server = createServer((_, response) => response.end('from the host'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const { port } = server.address() as AddressInfo
    const rule = { host: 'host.test', ports: [port], protocol: 'http', private: ['127.0.0.1/32'] }
    await using glovebox = await Glovebox.start({ network: { hosts: { 'host.test': ['127.0.0.1'] } } })
    const script = `curl -sS -m 9 http://host.test:${port}/; echo; for u in http://169.254.169.254/ http://127.0.0.1:${port}/ http://other.test/ http://[fd00:ec2::254]/; do curl -s -m 9 $u && echo reached; done
      python3 -c 'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("192.0.2.1", 4444)); s.send(b"x")' 2>/dev/null || echo refused`
    const result = await glovebox.run(policyOf({ network: { allow: [rule] } }), ['sh', '-c', script])
    assert.equal(result.text(), 'from the host\nrefused\n', Buffer.from(result.stderr).toString())
    const seen = result.report.network.map(({ name, address, verdict }) => `${name ?? address} ${verdict}`)
    for (const each of [
      'host.test allow',
      '169.254.169.254 denyMetadata',
      '127.0.0.1 denyNoName',
      'other.test denyHost',
      '192.0.2.1 denyDatagram',
    ])
      assert.ok(
        seen.some((line) => line.startsWith(each.split(' ')[0] ?? '')),
        `${each}: ${seen.join('; ')}`,
      )
    assert.ok(seen.includes('host.test allow'), seen.join('; '))
    assert.ok(seen.includes('169.254.169.254 denyMetadata'), seen.join('; '))
    assert.ok(!seen.some((line) => line !== 'host.test allow' && line.endsWith(' allow')), seen.join('; '))
    const unkept = result.report.claims.filter(({ status }) => status === 'impossible')
    assert.deepEqual(unkept, [])
  })

  test('has a placeholder in the place of a value, which only its host gets', async (t) => {
    const world = await makeWorld([])
    t.after(() => world.close())
    const caller = { T: { source: 'caller' } }
    const secrets = { T: VALUE }
    const more = { boundary: 'docker' }
    const [reason, text] = await world.outcome(caller, ['sh', '-c', 'echo "$T"'], { secrets }, more)
    assert.equal(reason, 'exited')
    assert.match(text ?? '', /^glovebox_\w{32}$/)
    const used = await world.outcome(caller, ['curl', '-sS', world.url], { secrets }, more)
    assert.deepEqual(used.slice(0, 2), ['exited', 'the value'])
    assert.deepEqual(leaks([text, ...used].join('\n')), [])
  })

  test('sees of the host no path in its mounts but the engine’s storage, and no mount with setuid or devices', async (t) => {
    const folder = sharedFolder()
    t.after(() => rmSync(folder, { recursive: true }))
    mkdirSync(join(folder, 'granted'))
    writeFileSync(join(folder, 'granted/word'), 'granted\n')
    await using glovebox = await Glovebox.start({ boundary: 'docker' })
    const policy = policyOf({ files: { read: [`${folder}/granted:/job/in`] } })
    const { stdout } = await glovebox.run(policy, [
      'sh',
      '-c',
      'cat /job/in/word /proc/self/mountinfo; ls -d /sys',
    ])
    const [word, ...mounts] = Buffer.from(stdout).toString().trim().split('\n')
    assert.equal(word, 'granted')
    assert.ok(mounts.length > 10)
    for (const line of mounts) {
      const [, , , shown = '', point = '', options = ''] = line.split(' ')
      assert.match(options, /\bnosuid\b/, line)
      if (!/^\/dev(\/pts)?$/.test(point)) assert.match(options, /\bnodev\b/, line)
      assert.ok(!shown.includes('glovebox/docker'), line)
    }
    assert.ok(!mounts.includes('/sys'))
  })

  test('has one bound for all its scratch folders together', async () => {
    await using glovebox = await Glovebox.start({ boundary: 'docker' })
    const fill =
      'for p in /job /tmp /dev/shm; do head -c 9000000 /dev/zero > $p/x; done 2>/dev/null; stat -c %s /job/x /tmp/x /dev/shm/x'
    const { stdout } = await glovebox.run(policyOf({ limits: { scratch: '12MiB' } }), ['sh', '-c', fill])
    const sizes = Buffer.from(stdout).toString().trim().split('\n').map(Number)
    assert.equal(sizes[0], 9_000_000)
    const sum = sizes.reduce((all, each) => all + each, 0)
    assert.ok(sum > 10_000_000 && sum <= 12 * 1024 ** 2, `${sizes}`)
  })

  test('is nobody of the host, and no two of them are the same', async () => {
    await using glovebox = await Glovebox.start({ boundary: 'docker' })
    const runs = Array.from({ length: 8 }, () => glovebox.run(policyOf(), ['sh', '-c', 'id -u; id -un']))
    const said = (await Promise.all(runs)).map((each) => each.text())
    assert.equal(new Set(said).size, 8)
    for (const each of said) assert.match(each, /^\d+\njob\n$/)
    for (const each of said) assert.ok(Number.parseInt(each, 10) >= 0x7040_0000)
  })

  test('has no limit where the policy waives one, and starts all the same', async () => {
    await using glovebox = await Glovebox.start({ boundary: 'docker' })
    for (const waived of ['limits.processes', 'limits.memory', 'limits.cpus']) {
      const result = await glovebox.run(policyOf({ waive: [waived] }), ['echo', waived])
      assert.equal(result.text(), `${waived}\n`)
    }
  })

  test('may not write to a folder of the host itself: refused, with the boundaries that can', async (t) => {
    const folder = sharedFolder()
    t.after(() => rmSync(folder, { recursive: true }))
    await using glovebox = await Glovebox.start({ boundary: 'docker' })
    const policy = policyOf({ files: { write: [{ path: folder, inside: '/out', live: true }] } })
    await assert.rejects(glovebox.run(policy, ['true']), (error: GloveboxError) => {
      assert.equal(error.code, 'boundary.cannotEnforce')
      assert.match(error.message, /^files\.live-writes can't be enforced here: .*`boundary: process`/)
      return true
    })
  })
})

describe('an end in the middle', { skip }, () => {
  test('control: a container that was made without a lifeline runs on, though nobody is connected to it', async () => {
    const mark = marker()
    const client = await own.client()
    const images = await client.images(['glovebox.root'])
    assert.ok(images.length > 0)
    const HostConfig = { NetworkMode: 'none', Binds: ['/usr:/usr:ro'] }
    const body = { Image: images[0]?.Id ?? '', Labels: {}, Entrypoint: ['sleep', mark], HostConfig }
    const { id } = await client.create(`open-${process.pid}`, body)
    try {
      await client.start(id)
      await until(() => sleepers(mark).length > 0, 'it never ran')
    } finally {
      await client.remove(id)
    }
    await until(() => sleepers(mark).length === 0, 'it is still there')
  })

  test('the container removed under us, or its first process killed: the run ends with one sentence', async () => {
    if (root === undefined) return
    for (const how of ['removed', 'killed']) {
      const mark = marker()
      const run = started(root, ['run', '--boundary', 'docker', '--deadline', '50s', '--', 'sleep', mark])
      await until(() => sleepers(mark).length > 0, 'it never ran')
      const client = await own.client()
      const [container] = await client.containers(['glovebox.owner'])
      assert.ok(container !== undefined)
      await (how === 'removed' ? client.remove(container.Id) : client.kill(container.Id))
      const { status, stderr } = await run.ended
      assert.deepEqual([status, stderr], [125, 'glovebox: The sandbox was killed from outside.\n'])
      await noneLeft()
    }
  })

  for (const signal of ['SIGKILL', 'SIGTERM'] as const)
    test(`dockerd ended by ${signal} while a job runs: the job ends with it, and the next one has nothing left`, async () => {
      if (root === undefined) return
      const mark = marker()
      const run = started(root, ['run', '--boundary', 'docker', '--deadline', '50s', '--', 'sleep', mark])
      await until(() => sleepers(mark).length > 0, 'it never ran')
      await own.down(signal)
      const { status, stderr } = await run.ended
      assert.equal(status, 125, stderr)
      assert.match(
        stderr,
        /^glovebox: The Docker Engine at \/[^ ]+ was lost while the job ran: [^\n]+ `journalctl -u docker` says why; run it again\.\n$/,
      )
      // by cell: an engine that was killed ends nothing
      assert.deepEqual(sleepers(mark), [])
      const refused = await finished([
        process.execPath,
        'bin/glovebox',
        'run',
        '--boundary',
        'docker',
        '--',
        'true',
      ])
      assert.equal(refused.status, 125)
      assert.match(
        refused.stderr,
        /^glovebox: The boundary "docker" can't run here: No Docker Engine is here: [^\n]+\n$/,
      )
      assert.ok(await own.up(), 'dockerd starts again')
      const next = await commandLine(root, ['run', '--boundary', 'docker', '--', 'true'])
      assert.equal(next.status, 0, next.stderr)
      await noneLeft()
    })
})

test('no engine, and one on another machine: one sentence that says what to do', async () => {
  for (const [host, said] of [
    ['unix:///nowhere/docker.sock', /There is no \/nowhere\/docker\.sock\./],
    ['tcp://192.0.2.1:2375', /leads to another machine/],
  ] as const) {
    const env = { ...process.env, DOCKER_HOST: host }
    const argv = [process.execPath, 'bin/glovebox', 'run', '--boundary', 'docker', '--', 'true']
    const { status, stderr } = await finished(argv, { env })
    assert.equal(status, 125)
    assert.match(stderr, said)
    assert.match(stderr, /^glovebox: [^\n]+\n$/)
  }
})

test('an ordinary user gets no network on an engine, and is told which boundary has one', {
  skip,
}, async (t) => {
  const ordinary = USERS.find(({ isRoot, skip: not }) => !isRoot && not === null)
  if (ordinary === undefined) return t.skip('no ordinary user here')
  execFileSync('chmod', ['0666', own.socket])
  t.after(() => execFileSync('chmod', ['0660', own.socket]))
  const args = ['run', '--boundary', 'docker', '--allow-host', 'example.com', '--', 'true']
  const { status, stderr } = await commandLine(ordinary, args)
  assert.equal(status, 125)
  assert.match(stderr, /network\.gateway-only can't be enforced here: Only root .*`boundary: runc`/)
})
