/** Containers of a real engine: their streams, their ends, and what is left when something ends that should not. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, describe, test } from 'node:test'
import { differences } from '../../../src/boundary/docker/as-asked.js'
import { removeAll } from '../../../src/boundary/docker/cleanup.js'
import { makeContainer } from '../../../src/boundary/docker/make.js'
import { EngineError } from '../../../src/boundary/docker/problems.js'
import { ensureImage, REPOSITORY, rootArchive } from '../../../src/boundary/docker/root-image.js'
import { TestEngine } from '../../support/docker-engine.js'
import { all, box, PID_1, run } from './box.js'

const started = await TestEngine.start()
const skip = typeof started === 'string' ? started : false
const own = started as TestEngine
const engine = skip === false ? await own.client() : (null as never)
after(async () => {
  if (skip === false) await own.end()
})

const made = (argv: readonly string[], wanted = {}) => box(engine, own.folder, argv, wanted)
const problem = (code: string, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof EngineError, String(error))
  assert.equal(error.code, code, error.message)
  assert.match(error.message, words)
  assert.notEqual(error.advice, '')
  return true
}

describe('streams', { skip }, () => {
  test('both outputs, the exit code, and an input that ends by half a close', async () => {
    const script = 'echo begun; cat; echo over; echo beside >&2; exit 3'
    const ran = await run(engine, own.folder, ['/bin/sh', '-c', script], { input: 'typed\n' })
    assert.deepEqual(ran, { status: 3, stdout: 'begun\ntyped\nover\n', stderr: 'beside\n' })
  })

  test('eight megabytes there and back, byte by byte, although nobody reads for a while', async () => {
    const bytes = randomBytes(8 * 1024 ** 2)
    const { id, streams, gone, end } = await made(['/bin/cat'])
    try {
      await engine.start(id)
      streams.stdin.end(bytes)
      streams.stderr.resume()
      await new Promise((resolve) => streams.stdout.once('readable', resolve))
      await engine.container(id)
      const chunks = []
      for await (const chunk of streams.stdout) chunks.push(chunk)
      assert.ok(Buffer.concat(chunks).equals(bytes))
      assert.equal((await gone.exit).StatusCode, 0)
      assert.equal(await streams.ended, null)
    } finally {
      await end()
    }
  })

  test('the end of whoever attached is the end of its input, and so of it', async () => {
    const { id, streams, gone, end } = await made(['/bin/sh', '-c', 'cat; exit 5'])
    await engine.start(id)
    streams.close()
    assert.equal((await gone.exit).StatusCode, 5)
    await assert.rejects(engine.container(id), problem('docker.gone', /knows nothing/))
    await end()
  })

  test('a request that is aborted ends with the reason that was given', async () => {
    const { id, end } = await made(['/bin/cat'])
    try {
      const abort = new AbortController()
      const reason = new Error('no longer wanted')
      const { exit } = await engine.within(abort.signal).wait(id, 'removed')
      abort.abort(reason)
      await assert.rejects(exit, (error) => error === reason)
      await assert.rejects(engine.within(abort.signal).info(), (error) => error === reason)
    } finally {
      await end()
    }
  })
})

describe('ends', { skip }, () => {
  test('a signal, and a container that is gone the moment it has ended', async () => {
    const { id, gone, end } = await made(['/bin/sleep', '1000'])
    await engine.start(id)
    await engine.kill(id, 'SIGKILL')
    assert.equal((await gone.exit).StatusCode, 137)
    await engine.kill(id)
    await engine.remove(id)
    assert.deepEqual(await engine.containers([]), [])
    await end()
  })

  test('removed behind our back: the streams end, the wait ends, and it is said what happened', async () => {
    const { id, streams, gone, end } = await made(['/bin/cat'])
    await engine.start(id)
    const read = all(streams.stdout)
    await (await own.client()).remove(id)
    assert.equal((await gone.exit).StatusCode, 137)
    assert.equal(await read, '')
    await streams.ended
    await assert.rejects(
      engine.start(id),
      problem('docker.gone', /knows nothing of what POST \/containers\/\w+\/start/),
    )
    await end()
  })

  test('a name that is taken, an image that is gone, and a runtime that nobody named', async () => {
    const { name, body, end } = await made(['/bin/cat'])
    try {
      await assert.rejects(engine.create(name, body), problem('docker.conflict', new RegExp(name)))
      const Image = `sha256:${'0'.repeat(64)}`
      await assert.rejects(
        engine.create('a', { ...body, Image }),
        problem('docker.noImage', /no longer has the image/),
      )
      const HostConfig = { ...body.HostConfig, Runtime: 'kata' }
      await assert.rejects(
        engine.create('b', { ...body, HostConfig }),
        problem('docker.noRuntime', /has no runtime kata\. Name it under "runtimes"/),
      )
    } finally {
      await end()
    }
  })

  test('all that one instance made is removed, and nothing of another', async () => {
    const mine = [await made(['/bin/cat'], { instance: 'a' }), await made(['/bin/cat'], { instance: 'a' })]
    const other = await made(['/bin/cat'], { instance: 'b' })
    await engine.start(mine[0]!.id)
    await removeAll(engine, 'a')
    assert.deepEqual(
      (await engine.containers([])).map(({ Id }) => Id),
      [other.id],
    )
    await engine.remove(other.id)
    for (const { end } of [...mine, other]) await end()
  })
})

describe('what the engine made of it', { skip }, () => {
  test('each field as it was asked for; and one that is not, is named', async () => {
    const { id, body, end } = await made(['/bin/cat'])
    try {
      const found = await engine.container(id)
      assert.deepEqual(differences(body, found), [])
      for (const [key, value] of [
        ['CapDrop', null],
        ['ReadonlyRootfs', false],
        ['SecurityOpt', ['seccomp=unconfined']],
        ['PidsLimit', null],
        ['MaskedPaths', []],
        ['NetworkMode', 'host'],
        ['Privileged', true],
      ] as const)
        assert.deepEqual(differences(body, { ...found, HostConfig: { ...found.HostConfig, [key]: value } }), [
          key,
        ])
      assert.deepEqual(differences(body, { ...found, Config: { ...found.Config, User: '0' } }), ['User'])
    } finally {
      await end()
    }
  })

  test('one that the engine made otherwise is not there any more; nor is one whose image somebody tidied away', async () => {
    const root = rootArchive([{ path: '/', kind: 'folder', mode: 0o755 }], PID_1)
    const body = (Image: string, HostConfig: object) => ({
      Image,
      Labels: {},
      Cmd: ['/.glovebox/agent'],
      HostConfig: { NetworkMode: 'none', ...HostConfig },
    })
    await assert.rejects(
      makeContainer(engine, 'glovebox-x', root, (image) => body(image, { Unknown: 'word' })),
      problem('docker.unusable', /Unknown is not as asked/),
    )
    assert.deepEqual(await engine.containers([]), [])

    let image = await ensureImage(engine, root)
    await engine.removeImage(image)
    const stale = [image]
    const { found } = await makeContainer(engine, 'glovebox-x', root, (now) => {
      image = now
      return body(stale.pop() ?? now, {})
    })
    assert.equal(found.Image, image)
    await engine.remove(found.Id)
  })

  test('the same root is sent once; an image that somebody put under its name is not run', async () => {
    const root = rootArchive([{ path: '/', kind: 'folder', mode: 0o755 }], PID_1)
    const id = await ensureImage(engine, root)
    assert.equal(await ensureImage(engine, root), id)
    const other = rootArchive([{ path: '/', kind: 'folder', mode: 0o755 }], Buffer.from('#!/bin/evil\n'))
    await engine.removeImage(id)
    await engine.importImage(REPOSITORY, root.sha256.slice(0, 32), other.tar, {})
    await assert.rejects(
      ensureImage(engine, root),
      problem('docker.unusable', /is not the one that Glovebox made/),
    )
  })
})
