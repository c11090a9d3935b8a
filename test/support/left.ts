/**
 * What runs leave on a host: processes, mounts, control groups, files, what a runtime or an engine keeps. Other tests run beside, so all is known by
 * its own: processes by their number and when they started, mounts by a folder that was shown, groups and files by the number of a launcher or
 * of who called it, containers and images by the engine.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hostOf } from '../../src/sandbox/index.js'
import { pids, textOf } from '../run/tools.js'
import type { TestEngine } from './docker-engine.js'

/** Of a machine that is busy with other tests, too. */
const PATIENCE_MS = 60_000
const DOCKERS_OWN_FILES = '/run/glovebox/docker'

/** A process, by number and start: a number may be another's by now. */
export type Seen = readonly [pid: number, since: string]

/** Empty when it is gone, or only waits to be reaped. */
export function since(pid: number): string {
  const [state, ...rest] = textOf(pid, 'stat')
    .replace(/^.*\) /s, '')
    .split(' ')
  return state === 'Z' || state === 'X' ? '' : (rest[18] ?? '')
}

export function processesLeft(seen: readonly Seen[], mark: string): string[] {
  const left = seen.filter(([pid, start]) => start !== '' && since(pid) === start).map(([pid]) => pid)
  const sleeping = pids().filter((pid) => textOf(pid, 'cmdline').includes(mark))
  return [...new Set([...left, ...sleeping])].map((pid) => textOf(pid, 'cmdline').replaceAll('\0', ' '))
}

/** A mount lives as long as a process that has its namespace; a network namespace of these sandboxes has the same ones. */
export function mountsWith(folder: string): string[] {
  return pids()
    .filter((pid) => textOf(pid, 'mountinfo').includes(folder))
    .map((pid) => `${pid} ${textOf(pid, 'cmdline').replaceAll('\0', ' ')}`)
}

/** Until nothing is left, and for `quietMs` nothing comes: an engine begins what it was asked for though who asked is dead. */
export async function settled(left: () => readonly unknown[], quietMs = 0): Promise<void> {
  let since = Number.POSITIVE_INFINITY
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(50)) {
    since = left().length > 0 ? Number.POSITIVE_INFINITY : Math.min(since, Date.now())
    if (Date.now() - since >= quietMs) return
  }
}

/** Of one of these launchers: the name of a group has its launcher's number. */
export function groupsOf(numbers: ReadonlySet<number>): string[] {
  const bases = hostOf().cgroups.bases.map(({ directory }) => directory)
  // an ordinary user's are below, in the folder that was handed over
  const folders = bases.flatMap((base) => [base, join(base, `test-${process.pid}`)])
  return folders.flatMap((folder) =>
    namesIn(folder)
      .filter((name) => numbers.has(Number(/^glovebox-(\d+)-/.exec(name)?.[1])))
      .map((name) => join(folder, name)),
  )
}

export function filesBelow(folder: string): string[] {
  const all = readdirSync(folder, { withFileTypes: true, recursive: true })
  return all.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name))
}

/** Where these would keep it, if they were not told otherwise; every container of ours is called so. */
export function runtimeState(): string[] {
  const places = ['/run/runc/job', '/run/runsc/job', '/var/run/runsc/job', '/run/netns/job']
  return places.filter((place) => existsSync(place))
}

/**
 * `roots`: images that all runs share; `cutOff`: how many starts may have been cut off in the engine, by the death of its own shim or of who asked
 * for it. A runtime that is ended in its `create` leaves the container's groups, empty, since it has not written down yet that it made
 * them: nobody but the engine could know of them.
 */
export async function assertEngineEmpty(
  engine: TestEngine,
  numbers: ReadonlySet<number>,
  roots: number,
  cutOff = 0,
): Promise<void> {
  const client = await engine.client()
  for (let tries = 0; tries < 300 && (await client.containers([])).length > 0; tries++) await sleep(100)
  assert.deepEqual(await client.containers([]), [], 'containers')
  assert.equal((await client.images([])).length, roots, 'images beside the roots that every run shares')
  assert.deepEqual(
    namesIn(DOCKERS_OWN_FILES).filter((name) => numbers.has(ownerOf(name))),
    [],
    'the sandboxes’ own files',
  )
  // the list of containers has none of one whose shim is still at work
  const groups = () => engine.groupsLeft().filter((group) => cutOff === 0 || isInUse(group))
  await settled(groups)
  const data = join(engine.folder, 'data')
  assert.deepEqual(namesIn(join(data, 'containers')), [])
  assert.deepEqual(
    namesIn(join(data, 'volumes')).filter((name) => !['metadata.db', 'backingFsBlockDev'].includes(name)),
    [],
  )
  const named = (place: string) =>
    readFileSync(place, 'utf8')
      .split('\n')
      .filter((line) => line.includes(engine.folder))
  assert.deepEqual(
    named('/proc/self/mounts').filter((line) => /merged|\/shm |netns\/(?!default)/.test(line)),
    [],
    'mounts of containers',
  )
  assert.deepEqual(groups(), [], 'control groups of containers')
  const cut = new Set(engine.groupsLeft().map((group) => basename(group)))
  assert.ok(cut.size <= cutOff, `control groups of ${cut.size} containers`)
}

const isInUse = (group: string) => textIn(join(group, 'cgroup.procs')) !== ''

/** By the mark in its name, or in the note that it has. */
function ownerOf(name: string): number {
  const mark = name.includes('.') ? name : textIn(join(DOCKERS_OWN_FILES, name, '.owner'))
  return Number(/\.(\d+)\.\d+(?:\.[0-9a-f]{16})?$/.exec(mark)?.[1] ?? 0)
}

function textIn(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : []
}

/** That one, or that group, may be gone meanwhile. */
export function kill(victim: number): void {
  try {
    process.kill(victim, 'SIGKILL')
  } catch {}
}
