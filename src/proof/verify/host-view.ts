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
  readlinkSync,
  readSync,
  type Stats,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as after, setImmediate as others } from 'node:timers/promises'
import type { HostFacts } from '../../host/index.js'
import type { HostProcess, HostView, SeenRights, TakenEntry } from '../probes/index.js'

const LOOK_MS = 10
const GOFERS_MS = 100
/** How cell names the group of a sandbox, see `cgroup_folder`. */
const GROUP = /glovebox-\d+[-/]\d+$/

/**
 * @param kernel whose the job's processes are: where they are none of this host's, what is looked for are those of their kernel, see `Kernels`
 * @param signal nobody waits any more, for what was cut off proves nothing
 */
export function hostView(
  { cgroups }: Pick<HostFacts, 'cgroups'>,
  kernel: 'host' | 'sentry' | 'machine',
  signal?: AbortSignal,
): HostView {
  const ownKernel = kernel !== 'host'
  const looks = new Looks()
  const kernels = new Kernels()
  const found = (word: string) => [...having(word), ...(ownKernel ? kernels.of(word) : [])]
  return {
    word: () => randomBytes(12).toString('hex'),
    processesWith: (word) =>
      found(word)
        .map(processOf)
        .filter(({ startedAt }) => startedAt !== '' || !ownKernel),
    isAlive: ({ pid, startedAt }) => startedAt !== '' && startOf(pid) === startedAt,
    rightsOf: async (word, until) => {
      const views: SeenRights[] = []
      let over = false
      const end = () => {
        over = true
      }
      until.then(end, end)
      const look = () => found(word).flatMap((pid) => rightsOf(pid, kernel === 'sentry') ?? [])
      for (; !over; await after(LOOK_MS)) views.push(...(await looks.take(look)))
      return views
    },
    cgroupsOf: ({ pid }) => {
      const lines = read(`/proc/${pid}/cgroup`).split('\n')
      const named = lines.flatMap((line) => GROUP.exec(line)?.[0] ?? [])
      const folders = cgroups.bases.flatMap(({ directory }) => named.map((name) => join(directory, name)))
      return [...new Set([...folders, ...lines.flatMap(containerGroup)])].filter((folder) =>
        existsSync(folder),
      )
    },
    exists: existsSync,
    read,
    taken,
    until: async (so, ms) => {
      for (const end = Date.now() + ms; !(await looks.take(so)); await after(LOOK_MS))
        if (Date.now() > end || signal?.aborted === true) return so()
      return true
    },
    after: (ms) => after(ms),
  }
}

/**
 * One look at a time, and after each as long without any as it took. A look takes as long as there are processes: where it takes longer than the time
 * between two, and several look, this process would do nothing else any more, and what is looked for would never come.
 */
class Looks {
  #last: Promise<unknown> = Promise.resolve()

  take<T>(look: () => T): Promise<T> {
    let tookMs = 0
    const taken = this.#last.then(() => {
      const begin = performance.now()
      try {
        return look()
      } finally {
        tookMs = performance.now() - begin
      }
    })
    const rest = async () => {
      await others() // whatever there is to read is read
      await after(tookMs)
    }
    this.#last = taken.then(rest, rest)
    return taken
  }
}

/** Of a container of an engine's: `id:controllers:path`, where the path ends with the container's id. */
function containerGroup(line: string): string[] {
  const [, controllers, path] = /^\d+:([^:]*):(.*\b[0-9a-f]{64}(?:\.scope)?)$/.exec(line) ?? []
  return path === undefined ? [] : [join('/sys/fs/cgroup', controllers ?? '', path)]
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

/** Who alone has the mounts of a sandbox, by how its command line begins. */
const HOLDERS = /^(?:runsc-gofer|\S*qemu-system-)/

/** Of sandboxes that have a mount whose name is a word: all processes of each, as far as they were ever seen. */
class Kernels {
  readonly #seen = new Map<string, Map<number, string>>()
  #gofers: { readonly at: number; readonly mounts: ReadonlyMap<number, string> } = {
    at: 0,
    mounts: new Map(),
  }

  /** Of those who open files for sentries, or are machines: they alone have the sandboxes' mounts. To look each time would take all of this process's time. */
  #mounts(): ReadonlyMap<number, string> {
    if (Date.now() - this.#gofers.at < GOFERS_MS) return this.#gofers.mounts
    const gofers = pids().filter((pid) => HOLDERS.test(read(`/proc/${pid}/cmdline`)))
    this.#gofers = {
      at: Date.now(),
      mounts: new Map(gofers.map((pid) => [pid, read(`/proc/${pid}/mountinfo`)])),
    }
    return this.#gofers.mounts
  }

  of(word: string): number[] {
    const seen = this.#seen.get(word) ?? new Map<number, string>()
    this.#seen.set(word, seen)
    for (const [gofer, mounts] of this.#mounts())
      if (mounts.includes(word)) for (const { pid, startedAt } of madeWith(gofer)) seen.set(pid, startedAt)
    return [...seen].filter(([pid, since]) => since !== '' && startOf(pid) === since).map(([pid]) => pid)
  }
}

/** All that was started with it: by its parent, or, where that is gone already, by itself. An engine's shim is none of the sandbox. */
function madeWith(gofer: number): HostProcess[] {
  const parent = Number(stat(gofer)[1] ?? 0)
  const words = read(`/proc/${parent}/cmdline`)
  if (words.includes('containerd-shim')) return family(parent).slice(1)
  return family(words.startsWith('runsc\0') ? parent : gofer)
}

function having(word: string): number[] {
  return pids().filter((pid) => read(`/proc/${pid}/cmdline`).includes(word))
}

/** `null`: it is gone */
function rightsOf(pid: number, isSentry: boolean): SeenRights | null {
  const status = read(`/proc/${pid}/status`)
  const uid = /^Uid:\t\d+\t(\d+)\t/m.exec(status)?.[1]
  const capabilities = !isSentry || inOurs(pid) ? /^CapEff:\t([0-9a-f]+)$/m.exec(status)?.[1] : '0'
  if (uid === undefined || capabilities === undefined) return null
  return { uid: Number(uid), capabilities: BigInt(`0x${capabilities}`) }
}

/** A sentry has capabilities in a user namespace of its own, which are over nothing of the host's. */
function inOurs(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/user`) === readlinkSync('/proc/self/ns/user')
  } catch {
    return true // it is not to be seen, so it is taken for the worst
  }
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
