/**
 * The engine, or the process that uses it, ends in the middle. The attack on a host's patience: whatever a killed process leaves behind
 * (a container that runs on, files on disk) is there for good unless somebody looks for it.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { sweepEngine } from '../../../src/boundary/docker/cleanup.js'
import type { Engine } from '../../../src/boundary/docker/engine.js'
import { ownFolder, sweepFolders } from '../../../src/boundary/docker/own-files.js'
import { EngineError } from '../../../src/boundary/docker/problems.js'
import { ownMark } from '../../../src/host/index.js'
import { TestEngine } from '../../support/docker-engine.js'
import { all, box } from './box.js'

const started = await TestEngine.start()
const skip = typeof started === 'string' ? started : false
const own = started as TestEngine
after(async () => {
  if (skip === false) await own.end()
})

const place = () => join(own.folder, 'own')

/** Until the engine has none, which it removes by itself, or is made to. */
async function noneLeft(meanwhile: (engine: Engine) => Promise<unknown> = async () => {}): Promise<void> {
  const engine = await own.client()
  for (let tries = 0; tries < 300; tries++) {
    await meanwhile(engine)
    if ((await engine.containers([])).length === 0) return
    await sleep(100)
  }
  assert.deepEqual(await engine.containers([]), [])
}

describe('an engine that ends', { skip }, () => {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const)
    test(`by ${signal}: what waited hears of it in a sentence, and the next one has nothing left`, async () => {
      const engine = await own.client()
      const { id, streams, gone, end } = await box(engine, own.folder, ['/bin/sh', '-c', 'echo up; cat'])
      await engine.start(id)
      await new Promise((resolve) => streams.stdout.once('data', resolve))
      const [read, exit] = [all(streams.stdout), gone.exit.catch((error: unknown) => error)]
      await own.down(signal)
      await read
      await streams.ended
      const wait = await exit
      // one that ends in order may still say how the container ended
      if (signal === 'SIGKILL') assert.ok(wait instanceof EngineError, String(wait))
      if (wait instanceof EngineError)
        assert.match(wait.message, /ended the connection at POST .*\/wait\. It was stopped or restarted/)
      await assert.rejects(engine.info(), (error: EngineError) => error.code === 'docker.noEngine')
      assert.ok(await own.up(), 'dockerd starts again')
      await noneLeft()
      await end()
    })
})

describe('a process that is killed', { skip }, () => {
  test('with -9 at any moment: its containers end, and the next start removes what is left', async () => {
    const worker = fileURLToPath(new URL('./worker.js', import.meta.url))
    let left = 0
    for (let round = 0; round < 12; round++) {
      const child = spawn(process.execPath, [worker, own.socket, own.folder], {
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      const ended = new Promise((resolve) => child.once('exit', resolve))
      await new Promise((resolve) => child.stdout.once('data', resolve))
      await sleep(round * 40)
      child.kill('SIGKILL')
      await ended
      left += readdirSync(place()).length
      sweepFolders(place())
      assert.deepEqual(readdirSync(place()), [])
      // what the dead one has asked for an engine may do after the first start that looks
      await noneLeft((engine) => sweepEngine(engine))
    }
    assert.ok(left > 0, 'no kill came in time to leave anything: the test shows nothing')
  })

  test('what the living use stays, and so does what nobody can tell of', async () => {
    const engine = await own.client()
    const elsewhere = ownMark().replace(/\.\d+\./, '.1.')
    const mine = await box(engine, own.folder, ['/bin/cat'])
    const theirs = await box(engine, own.folder, ['/bin/cat'], { mark: elsewhere })
    await engine.start(theirs.id)
    const dead = await box(engine, own.folder, ['/bin/cat'], { mark: ownMark().replace(/\d+$/, '1') })
    const later = Date.now() + 48 * 60 * 60 * 1000
    assert.equal(await sweepEngine(engine), 1)
    await assert.rejects(engine.container(dead.id), (error: EngineError) => error.code === 'docker.gone')
    // a day and more old: one that runs may be in use all the same
    assert.equal(await sweepEngine(engine, later), 0)
    await engine.remove(theirs.id)
    await engine.remove(mine.id)
    for (const { end } of [mine, theirs, dead]) await end()
  })

  test('killed halfway through removing its files, it leaves them under a name that the next start knows', (t) => {
    if (process.getuid?.() !== 0) return t.skip('only root can keep a folder from being removed')
    const alone = join(own.folder, 'alone')
    const { path, remove } = ownFolder(alone, '0123456789abcdef', { passwd: '' })
    const stuck = join(path, 'stuck')
    mkdirSync(stuck)
    execFileSync('mount', ['-t', 'tmpfs', 'glovebox-test', stuck])
    assert.throws(remove, /EBUSY/)
    const name = `${ownMark()}.0123456789abcdef`
    assert.deepEqual(readdirSync(alone), [name])
    execFileSync('umount', [join(alone, name, 'stuck')])
    // a note is not needed: the name is one of a process that is dead
    const dead = join(alone, name.replace(/\.\d+\.\d+\.0123/, '.4194304.1.0123'))
    renameSync(join(alone, name), dead)
    sweepFolders(alone)
    assert.deepEqual(readdirSync(alone), [])
  })

  test('files that somebody else put there stay', () => {
    mkdirSync(join(place(), 'not-a-sandbox'), { recursive: true })
    mkdirSync(join(place(), '0123456789abcdef'))
    writeFileSync(join(place(), '0123456789abcdef/passwd'), '')
    sweepFolders(place())
    assert.deepEqual(readdirSync(place()).sort(), ['0123456789abcdef', 'not-a-sandbox'])
  })
})
