/** The effects that facts about runtimes are gathered with. */
import { execFileSync } from 'node:child_process'
import { lstatSync, readFileSync, realpathSync } from 'node:fs'
import { userInfo } from 'node:os'
import { type RuntimeLook, type Runtimes, runtimes } from './runtimes.js'

/** A program that does not say its version in this time has none. */
const SAYING_MS = 5000
const SAYING_BYTES = 64 * 1024

export const realLook: Omit<RuntimeLook, 'userName'> = {
  uid: process.geteuid?.() ?? -1,
  read(file) {
    try {
      return readFileSync(file, 'utf8')
    } catch {
      return null
    }
  },
  real(path) {
    try {
      return realpathSync(path)
    } catch {
      return null
    }
  },
  owner(path) {
    const found = lstatSync(path, { throwIfNoEntry: false })
    return found === undefined ? null : { uid: found.uid, gid: found.gid, mode: found.mode }
  },
  says(program, args) {
    try {
      return execFileSync(program, args, {
        encoding: 'utf8',
        env: {},
        cwd: '/',
        timeout: SAYING_MS,
        killSignal: 'SIGKILL',
        maxBuffer: SAYING_BYTES,
        stdio: ['ignore', 'pipe', 'ignore'],
      })
    } catch (error) {
      // a program that ends badly has said something too
      return error instanceof Error && 'status' in error && typeof error.status === 'number'
        ? String('stdout' in error ? error.stdout : '')
        : null
    }
  },
}

/** Of each program that is asked for, starts it to hear its version: 10 to 60 ms. */
export function lookAtRuntimes(): Runtimes {
  return runtimes({ ...realLook, userName: nameOfUser() })
}

function nameOfUser(): string | null {
  try {
    return userInfo().username
  } catch {
    return null
  }
}
