import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  writeSync,
} from 'node:fs'
import { availableParallelism, release } from 'node:os'
import { join } from 'node:path'
import { type HostFacts, hostFacts } from './facts.js'
import { lookAtMachines } from './look-machines.js'
import { lookAtRuntimes } from './look-runtimes.js'
import type { HostLook } from './looking.js'

const realLook: HostLook = {
  platform: process.platform,
  arch: process.arch,
  release: release(),
  uid: process.geteuid?.() ?? -1,
  cpus: availableParallelism(),
  read(file) {
    try {
      return readFileSync(file, 'utf8')
    } catch {
      return null
    }
  },
  kind(path) {
    // there every run looks, and only for what is there: a Stats each would cost a start 2 ms
    if (path.startsWith('/proc/')) return existsSync(path) ? 'file' : null
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found === undefined) return null
    if (found.isSymbolicLink()) return `link:${readlinkSync(path)}`
    return found.isDirectory() ? 'directory' : found.isFile() ? 'file' : 'other'
  },
  list(directory) {
    try {
      return readdirSync(directory)
    } catch {
      return []
    }
  },
  ask(file, question) {
    let fd = -1
    try {
      fd = openSync(file, 'r+')
      writeSync(fd, question)
      const answer = Buffer.alloc(4096)
      return answer.toString('utf8', 0, readSync(fd, answer))
    } catch {
      return null
    } finally {
      if (fd >= 0) closeSync(fd)
    }
  },
  writable(directory) {
    try {
      accessSync(directory, constants.W_OK)
      accessSync(`${directory}/cgroup.procs`, constants.W_OK)
      return true
    } catch {
      return false
    }
  },
}

/** Looks at this machine, once; under a millisecond, starts nothing. `paths`: further host paths to report on. */
export function lookAtHost(paths: readonly string[]): HostFacts {
  return hostFacts(realLook, paths, installation(), lookAtRuntimes, lookAtMachines)
}

/** The same machine, and what its Docker Engine says of itself. */
export async function withEngine(host: HostFacts): Promise<HostFacts> {
  // its client and its checks are loaded by who asks: not by every start
  const { lookAtEngine } = await import('./engine/engine.js')
  return { ...host, engine: await lookAtEngine() }
}

/** This module lies in dist/src/host of what is installed, bundled or not. */
function installation(): string {
  return join(import.meta.dirname, '../../..')
}
