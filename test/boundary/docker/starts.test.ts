/** What an engine forgot is known by a note: its processes are ended by the next start, and nobody else's are. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readlinkSync, renameSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { noteStart, sweepStarts } from '../../../src/boundary/docker/starts.js'
import { testFolder } from '../../support/checkout.js'

const MODULE = new URL('../../../src/boundary/docker/starts.js', import.meta.url).href

const containerId = () => randomBytes(32).toString('hex')

/** Called as a sentry is, with its container's id for its last word. */
function sentryOf(t: TestContext, container: string): ChildProcess {
  const child = spawn('/bin/sh', ['-c', 'read line', container], {
    argv0: 'runsc-sandbox',
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  t.after(() => child.kill('SIGKILL'))
  return child
}

/** By a process that has ended since. */
function noteOfTheDead(container: string, place: string): void {
  const script = `(await import(process.argv[1])).noteStart(process.argv[2], process.argv[3])`
  const { status, stderr } = spawnSync(process.execPath, [
    '--input-type=module',
    '-e',
    script,
    MODULE,
    container,
    place,
  ])
  assert.equal(status, 0, stderr.toString())
}

test('of a start whose maker is dead all is ended, also what comes up later; then the note goes', {
  timeout: 30_000,
}, async (t) => {
  const place = join(testFolder(t), 'starts')
  const container = containerId()
  noteOfTheDead(container, place)
  const first = sentryOf(t, container)
  const other = sentryOf(t, containerId())
  await Promise.all([once(first, 'spawn'), once(other, 'spawn')])
  const ended = once(first, 'exit')
  sweepStarts(place)
  assert.deepEqual(await ended, [null, 'SIGKILL'])
  assert.deepEqual(readdirSync(place).length, 1, 'an engine may be at it still')
  const late = sentryOf(t, container)
  await once(late, 'spawn')
  const long = Date.now() / 1000 - 61
  utimesSync(join(place, readdirSync(place)[0] ?? ''), long, long)
  const lateEnded = once(late, 'exit')
  sweepStarts(place)
  assert.deepEqual(await lateEnded, [null, 'SIGKILL'])
  assert.deepEqual(readdirSync(place), [])
  assert.equal(other.exitCode ?? other.signalCode, null, 'another’s')
})

test('of a maker in another container nothing is ended, whatever its age: its sandbox may run', async (t) => {
  const place = join(testFolder(t), 'starts')
  const container = containerId()
  noteStart(container, place)
  const [name = ''] = readdirSync(place)
  const namespace = readlinkSync('/proc/self/ns/pid').replace(/\D/g, '')
  const elsewhere = join(place, name.replace(namespace, '1'))
  assert.notEqual(elsewhere, join(place, name))
  renameSync(join(place, name), elsewhere)
  utimesSync(elsewhere, 1, 1)
  const child = sentryOf(t, container)
  await once(child, 'spawn')
  sweepStarts(place)
  await sleep(100)
  assert.equal(child.exitCode ?? child.signalCode, null)
})

test('what somebody who lives has started is left alone', async (t) => {
  const place = join(testFolder(t), 'starts')
  const container = containerId()
  const forget = noteStart(container, place)
  const child = sentryOf(t, container)
  await once(child, 'spawn')
  sweepStarts(place)
  assert.equal(readdirSync(place).length, 1)
  forget()
  forget()
  assert.deepEqual(readdirSync(place), [])
  sweepStarts(join(place, 'none'))
  assert.equal(child.exitCode ?? child.signalCode, null)
})
