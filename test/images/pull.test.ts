/** Images from a registry: Debian's docker-registry, with TLS and logins, on loopback. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { redirectingRegistry } from '../support/redirecting-registry.js'
import { NO_REGISTRY, registry } from '../support/registry.js'
import { ociImage, ociIndex, tarball, written } from '../support/tarball.js'
import { busyboxTree, NO_BUSYBOX } from '../support/trees.js'
import { NO_TOOLS, STORE_USERS, testStore } from './stores.js'

const none = NO_REGISTRY === null ? null : `${NO_REGISTRY} is not installed`
const OWN = process.arch === 'x64' ? 'amd64' : process.arch

for (const user of STORE_USERS)
  test(`an image is pulled by tag and by digest, and everything that is wrong says so (${user.name})`, {
    skip: user.skip ?? NO_TOOLS() ?? none ?? NO_BUSYBOX,
  }, async (t) => {
    const store = testStore(user, t)
    const at = (name: string) => join(store.folder, name)
    const tree = busyboxTree(at('tree'))
    const root = execFileSync('tar', ['-C', tree, '-c', '.'], { maxBuffer: 1 << 28 })
    const here = ociImage([root], { architecture: OWN })
    const there = ociImage([tarball([{ name: 'there', content: 'x' }])], { architecture: 's390x' })
    const index = ociIndex([
      { image: here, architecture: OWN },
      { image: there, architecture: 's390x' },
    ])
    const server = await registry(t, at(''))
    server.push(`${written(at('one'), here.files)}:x`, 'team/tool:1')
    server.push(`${written(at('index'), index.files)}:x`, 'team/many:1', ['--all'])
    server.push(`${written(at('there'), there.files)}:x`, 'team/far:1')
    const homes = {
      right: server.home('right', 'right'),
      wrong: server.home('wrong', 'wrong'),
      none: server.home('none', 'none'),
    }
    const pull = (
      name: string,
      flags: readonly string[] = [],
      home: string = homes.right,
      open = '127.0.0.1/32',
    ) => {
      store.env.HOME = home
      return store.image(
        'pull',
        `${server.host}/${name}`,
        ...(open === '' ? [] : ['--private', open]),
        ...flags,
      )
    }

    assert.equal((await pull('team/tool:1')).stdout, `${here.digest}\n`)
    const ran = await store.run(`${server.host}/team/tool:1`, 'echo ran')
    assert.equal(ran.stdout, 'ran\n', ran.stderr)
    await store.image('rm', here.digest)
    assert.equal((await pull(`team/tool@${here.digest}`)).stdout, `${here.digest}\n`)
    assert.equal((await store.run(`${server.host}/team/tool@${here.digest}`, 'echo ran')).stdout, 'ran\n')
    await store.image('rm', here.digest)

    const many = await pull(`team/many@${index.digest}`)
    assert.equal(many.stdout, `${here.digest}\n`, many.stderr)
    assert.equal((await store.run(`${server.host}/team/many@${index.digest}`, 'echo ran')).stdout, 'ran\n')
    assert.equal((await pull('team/many:1', ['--platform', 'linux/s390x'])).stdout, `${there.digest}\n`)
    assert.match(
      (await pull('team/many:1', ['--platform', 'linux/arm'])).stderr,
      /There is no image for linux\/arm; it has linux\//,
    )
    await store.image('rm', there.digest)

    const refusals: [Promise<{ status: number | null; stderr: string }>, RegExp][] = [
      [pull('team/far:1'), /is for linux\/s390x, not linux\//],
      [pull('team/tool:2'), /The registry has no such image.*manifest unknown/],
      [pull(`team/tool@sha256:${'0'.repeat(64)}`), /The registry has no such image/],
    ]
    for (const [pulled, said] of refusals) {
      const { status, stderr } = await pulled
      assert.match(stderr, said)
      assert.equal(status, 1)
    }
    assert.match(
      (await pull('team/tool:1', [], homes.wrong)).stderr,
      /does not let this user have it.*docker login/,
    )
    assert.match((await pull('team/tool:1', [], homes.none)).stderr, /does not let this user have it/)
    assert.match((await pull('team/tool:1', [], at(''))).stderr, /certificate is not trusted.*certs\.d/)
    assert.match(
      (await pull('team/tool:1', [], homes.right, '')).stderr,
      /"127\.0\.0\.1" is a private address.*--private/,
    )
    store.env.HOME = homes.right
    assert.match((await store.image('pull', 'tool:1')).stderr, /needs the registry too/)

    server.push(`${at('one')}:x`, 'team/older:1', ['--format', 'v2s2'])
    const older = await pull('team/older:1')
    assert.match(older.stdout, /^sha256:/, older.stderr)
    assert.equal((await store.run(`${server.host}/team/older:1`, 'echo ran')).stdout, 'ran\n')
    await store.image('rm', older.stdout.trim())
    await store.image('rm', here.digest)
    tamper(at('stored'), root.length)
    const replaced = await pull('team/tool:1')
    assert.equal(replaced.status, 1)
    assert.match(
      replaced.stderr,
      /not the digest of|something else than was asked for|does not match|could not be fetched/,
    )
    await server.stop()
    assert.match((await pull('team/tool:1')).stderr, /127\.0\.0\.1 can't be reached: ECONNREFUSED/)
    assert.deepEqual([store.has('images'), store.has('staging')], [[], []])
  })

/** Whoever has the registry's disk changes one byte of its largest blob. */
function tamper(stored: string, least: number): void {
  const blobs = join(stored, 'docker/registry/v2/blobs/sha256')
  const files = readdirSync(blobs).flatMap((two) =>
    readdirSync(join(blobs, two)).map((hex) => join(blobs, two, hex, 'data')),
  )
  const [largest = ''] = files.sort((a, b) => readFileSync(b).length - readFileSync(a).length)
  const bytes = readFileSync(largest)
  const middle = Math.min(bytes.length, least) >> 1
  bytes[middle] = (bytes[middle] ?? 0) ^ 0xff
  writeFileSync(largest, bytes)
}

for (const user of STORE_USERS)
  test(`a registry that sends elsewhere for a layer is followed only where that was allowed (${user.name})`, {
    skip: user.skip ?? NO_TOOLS() ?? none ?? false,
  }, async (t) => {
    const store = testStore(user, t)
    const image = ociImage([tarball([{ name: 'file', content: 'x' }])])
    const server = await redirectingRegistry(t, store.folder, image)
    store.env.HOME = server.home
    const pull = (...flags: string[]) =>
      store.image('pull', `${server.host}/team/tool:1`, '--private', '127.0.0.0/8', ...flags)
    const { status, stderr } = await pull()
    assert.equal(status, 1)
    assert.match(
      stderr,
      /The registry sends to 127\.0\.0\.2:\d+, which was not allowed.*--allow-host 127\.0\.0\.2:\d+/,
    )
    assert.deepEqual(server.asked, [], 'the other host heard of it')
    const allowed = await pull('--allow-host', server.elsewhere)
    assert.equal(allowed.stdout, `${image.digest}\n`, allowed.stderr)
    assert.ok(server.asked.length > 0)
  })
