/**
 * Control groups handed to an ordinary user, below this process's own, as a session manager would: made by root for
 * the length of a test process.
 */
import { chownSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hostOf } from '../../src/sandbox/index.js'

export interface Delegated {
  /** files to which a process writes `0` to be in the groups */
  readonly procs: readonly string[]
}

const FILES = ['cgroup.procs', 'tasks', 'cgroup.subtree_control', 'cgroup.threads']

/** The groups, or why there are none. */
export function delegatedTo(uid: number): Delegated | string {
  const { bases, version, missing } = hostOf().cgroups
  if (!bases.some(({ kind }) => kind === 'memory' || kind === 'unified')) return missing
  try {
    const folders = bases.map(({ directory }) => made(join(directory, `test-${process.pid}`), uid))
    const inside = version === 2 ? folders.map((folder) => handedDown(folder, uid)) : folders
    return { procs: inside.map((folder) => join(folder, 'cgroup.procs')) }
  } catch (error) {
    return `no cgroup can be handed to another user here: ${(error as Error).message}`
  }
}

function made(folder: string, uid: number): string {
  mkdirSync(folder)
  process.on('exit', () => removed(folder))
  chownSync(folder, uid, uid)
  for (const file of FILES) {
    try {
      chownSync(join(folder, file), uid, uid)
    } catch {
      // each version has some of them
    }
  }
  return folder
}

/** v2: a group that hands controllers down holds no processes itself. */
function handedDown(folder: string, uid: number): string {
  const offered = readFileSync(join(folder, 'cgroup.controllers'), 'utf8').trim().split(' ')
  const wanted = ['memory', 'pids', 'cpu'].filter((name) => offered.includes(name))
  writeFileSync(join(folder, 'cgroup.subtree_control'), wanted.map((name) => `+${name}`).join(' '))
  return made(join(folder, 'leaf'), uid)
}

/** On the way out: nothing is asynchronous any more, and the kernel may need a moment to let go. */
function removed(folder: string): void {
  for (let tries = 0; tries < 200; tries++) {
    try {
      rmdirSync(folder)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
}
