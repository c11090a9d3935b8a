/**
 * What there is of a Glovebox at a quiet moment. Others use this machine, too: counted are this process and its descendants, whatever names the
 * soak's own folder, and what carries the number of one of its launchers, or its own mark. Of the whole host it is counted apart.
 */
import { readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { ownMark } from '../../src/host/index.js'
import { hostOf } from '../../src/sandbox/index.js'
import { text } from '../start/pss.js'
import type { Place } from './place.js'
import type { Figures } from './verdict.js'

export interface Census {
  /** processes, descriptors, namespaces and so on */
  readonly counts: Figures
  /** bytes */
  readonly memory: Figures
  /** of the whole host: whoever else is there, too */
  readonly host: Figures
}

/** Of root: who else uses this machine has theirs there, too. */
const SHARED_PLACES = ['journal', 'machines', 'images/staging', 'images/uses', 'images/removed']
  .map((name) => `/var/lib/glovebox/${name}`)
  .concat('/run/glovebox/docker')
const NAMESPACES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts']
/** An engine is somebody else's program: what it takes is told, and not held to anything. */
const ENGINE = /^(?:dockerd|containerd)$/

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

export function census(place: Place): Census {
  collectGarbage()
  const family = familyOf(place.folder)
  const { rss, heapUsed, external } = process.memoryUsage()
  const launchers = family.filter(({ parent, name }) => parent === process.pid && name === 'cell')
  const gateways = family.filter(({ pid, name }) => pid !== process.pid && /^(?:node|MainThread)$/.test(name))
  const bytes = (of: readonly Process[]) => of.reduce((sum, { pid }) => sum + residentBytes(pid), 0)
  return {
    counts: {
      ...tally(
        'processes: ',
        family.filter(({ name }) => !ENGINE.test(name)).map(({ name }) => name),
      ),
      ...tally('descriptors: ', descriptorsOf(process.pid)),
      'descriptors of launchers': launchers.flatMap(({ pid }) => descriptorsOf(pid)).length,
      'descriptors of gateways': gateways.flatMap(({ pid }) => descriptorsOf(pid)).length,
      ...namespacesOf(family),
      mounts: mountsOf(family),
      'control groups': groupsOf(launchers) + place.groups().length,
      'files in TMPDIR': entriesIn(join(place.folder, 'tmp')).length,
      'files elsewhere': SHARED_PLACES.flatMap(entriesIn).filter((name) => name.includes(ownMark())).length,
    },
    memory: {
      'heap of the supervisor': heapUsed,
      'external of the supervisor': external,
      'resident: supervisor': rss,
      'resident: launchers': bytes(launchers),
      'resident: gateways': bytes(gateways),
    },
    host: {
      processes: readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length,
      mounts: text('/proc/self/mountinfo').split('\n').length - 1,
      'network interfaces': readdirSync('/sys/class/net').length,
      'control groups': Math.max(...numbers('/proc/cgroups', /^\w+\s+\d+\s+(\d+)/gm)),
      'network namespaces': Math.max(...numbers('/proc/slabinfo', /^net_namespace\s+(\d+)/gm), 0),
      'open files': Math.max(...numbers('/proc/sys/fs/file-nr', /^(\d+)/gm)),
      'objects of System V': ['shm', 'sem', 'msg']
        .map((kind) => text(`/proc/sysvipc/${kind}`).split('\n').length - 2)
        .reduce((sum, each) => sum + each, 0),
    },
  }
}

interface Process {
  readonly pid: number
  readonly parent: number
  readonly name: string
}

/** Without the dead who wait for their parents. */
function familyOf(folder: string): Process[] {
  const all = readdirSync('/proc').flatMap((name): Process[] => {
    const stat = /^\d+$/.test(name) ? text(`/proc/${name}/stat`) : ''
    const [, comm = '', state = 'Z', parent = '0'] = /^\d+ \((.*)\) (\S) (\d+)/s.exec(stat) ?? []
    return state === 'Z' || state === 'X' ? [] : [{ pid: Number(name), parent: Number(parent), name: comm }]
  })
  const found = all.filter(({ pid }) => pid === process.pid || text(`/proc/${pid}/cmdline`).includes(folder))
  for (const each of found)
    for (const child of all) if (child.parent === each.pid && !found.includes(child)) found.push(child)
  return found
}

/** By what they lead to: without the numbers and names that tell one from another. */
function descriptorsOf(pid: number): string[] {
  return namesIn(`/proc/${pid}/fd`).flatMap((fd) => {
    const to = linkOf(`/proc/${pid}/fd/${fd}`)
    // of the listing itself
    if (to === '' || /^\/proc\/\d+\/fd$/.test(to)) return []
    return [to.startsWith('/dev/') ? to : to.startsWith('/') ? 'file' : to.replace(/:\[\d+\]$/, '')]
  })
}

function namespacesOf(family: readonly Process[]): Figures {
  const counted = NAMESPACES.map((kind): [string, number] => {
    const own = linkOf(`/proc/self/ns/${kind}`)
    const found = new Set(family.map(({ pid }) => linkOf(`/proc/${pid}/ns/${kind}`)))
    return [`namespaces: ${kind}`, [...found].filter((each) => each !== own && each !== '').length]
  })
  return Object.fromEntries(counted)
}

/** In all mount namespaces that are not this process's own. */
function mountsOf(family: readonly Process[]): number {
  const own = linkOf('/proc/self/ns/mnt')
  const namespaces = new Map(family.map(({ pid }) => [linkOf(`/proc/${pid}/ns/mnt`), pid]))
  const others = [...namespaces].filter(([namespace]) => namespace !== own && namespace !== '')
  return others.reduce((sum, [, pid]) => sum + text(`/proc/${pid}/mountinfo`).split('\n').length - 1, 0)
}

function groupsOf(launchers: readonly Process[]): number {
  const ours = new Set(launchers.map(({ pid }) => pid))
  return hostOf()
    .cgroups.bases.flatMap(({ directory }) => namesIn(directory))
    .filter((name) => ours.has(Number(/^glovebox-(\d+)/.exec(name)?.[1]))).length
}

function tally(prefix: string, names: readonly string[]): Figures {
  const counts: Record<string, number> = {}
  for (const name of names) counts[prefix + name] = (counts[prefix + name] ?? 0) + 1
  return counts
}

const residentBytes = (pid: number) =>
  1024 * Number(/^VmRSS:\s+(\d+)/m.exec(text(`/proc/${pid}/status`))?.[1] ?? 0)

const numbers = (file: string, pattern: RegExp) =>
  [...text(file).matchAll(pattern)].map(([, number]) => Number(number))

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function entriesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
  } catch {
    return [] // none there, or another's that is gone meanwhile
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
