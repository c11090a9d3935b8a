/** What anyone sees of a sandbox from the host: its processes in /proc, its control groups, what it left. */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  type Stats,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import type { HostFacts } from '../../host/index.js'
import type { HostProcess, HostView, SeenRights, TakenEntry } from '../probes/index.js'

const LOOK_MS = 10
/** How cell names the group of a sandbox, see `cgroup_folder`. */
const GROUP = /glovebox-\d+[-/]\d+$/

/** `signal`: nobody waits any more, for what was cut off proves nothing. */
export function hostView({ cgroups }: Pick<HostFacts, 'cgroups'>, signal?: AbortSignal): HostView {
  return {
    word: () => randomBytes(12).toString('hex'),
    processesWith: (word) => having(word).map(processOf),
    isAlive: ({ pid, startedAt }) => startedAt !== '' && startOf(pid) === startedAt,
    rightsOf: async (word, until) => {
      const views: SeenRights[] = []
      let over = false
      const end = () => {
        over = true
      }
      until.then(end, end)
      for (; !over; await after(LOOK_MS)) views.push(...having(word).flatMap((pid) => rightsOf(pid) ?? []))
      return views
    },
    cgroupsOf: ({ pid }) => {
      const named = read(`/proc/${pid}/cgroup`)
        .split('\n')
        .flatMap((line) => GROUP.exec(line)?.[0] ?? [])
      const folders = cgroups.bases.flatMap(({ directory }) => named.map((name) => join(directory, name)))
      return [...new Set(folders)].filter((folder) => existsSync(folder))
    },
    exists: existsSync,
    read,
    taken,
    until: async (so, ms) => {
      for (const end = Date.now() + ms; !so(); await after(LOOK_MS))
        if (Date.now() > end || signal?.aborted === true) return so()
      return true
    },
    after: (ms) => after(ms),
  }
}

const TEXT_BYTES = 4096

function taken(folder: string): TakenEntry[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => {
      const found = lstatSync(join(folder, path), { throwIfNoEntry: false })
      // gone by now, or its name is no text
      if (found === undefined) return { path, kind: 'other' as const, bytes: 0, text: '' }
      return { path, kind: kindOf(found), bytes: found.size, text: begin(join(folder, path)) }
    })
  } catch {
    return []
  }
}

function kindOf(found: Stats): TakenEntry['kind'] {
  if (found.isSymbolicLink()) return 'link'
  return found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'other'
}

/** Without waiting for who might write to a fifo. */
function begin(path: string): string {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const text = Buffer.alloc(TEXT_BYTES)
      return text.toString('latin1', 0, readSync(file, text))
    } finally {
      closeSync(file)
    }
  } catch {
    return ''
  }
}

/** A process and all that descends from it. */
export function family(root: number): HostProcess[] {
  const parents = new Map(pids().map((pid) => [pid, Number(stat(pid)[1] ?? 0)]))
  const found = [root]
  for (const one of found) for (const [pid, parent] of parents) if (parent === one) found.push(pid)
  return found.map(processOf)
}

const processOf = (pid: number): HostProcess => ({ pid, startedAt: startOf(pid) })

function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

function having(word: string): number[] {
  return pids().filter((pid) => read(`/proc/${pid}/cmdline`).includes(word))
}

/** `null`: it is gone */
function rightsOf(pid: number): SeenRights | null {
  const status = read(`/proc/${pid}/status`)
  const uid = /^Uid:\t\d+\t(\d+)\t/m.exec(status)?.[1]
  const capabilities = /^CapEff:\t([0-9a-f]+)$/m.exec(status)?.[1]
  if (uid === undefined || capabilities === undefined) return null
  return { uid: Number(uid), capabilities: BigInt(`0x${capabilities}`) }
}

/** Empty when it is gone, or only waits to be reaped: nothing of it runs, and it holds nothing. */
function startOf(pid: number): string {
  const [state, ...rest] = stat(pid)
  return state === 'Z' || state === 'X' ? '' : (rest[18] ?? '')
}

/** proc_pid_stat(5) from its third field on: the second may hold spaces. */
function stat(pid: number): string[] {
  return read(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, '')
    .split(' ')
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
