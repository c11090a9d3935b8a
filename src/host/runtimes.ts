/**
 * The programs that make a boundary: where they are, whether they are what the administrator put there, and which version. Each is
 * looked for when it is first asked for, and once: a program is started for it, and what was judged is then what is run. Pure but for
 * the look that it is given.
 */
import type { HostLook } from './looking.js'
import { type PackageFacts, packageOf } from './packages.js'
import { upstreamVersion } from './version.js'

export type RuntimeName = 'bubblewrap' | 'runc' | 'runsc'

export interface RuntimeFacts {
  /** absolute, without symbolic links; `null`: not in any of the folders */
  readonly path: string | null
  /** why the program is not to be trusted, one sentence; empty when it is */
  readonly distrusted: string
  /** as it says itself, e.g. `1.1.5+ds1`; `null`: it does not say, or was not asked because it is not trusted */
  readonly version: string | null
  /** of the libseccomp that it has, `runc --version`; `null`: not said */
  readonly libseccomp: string | null
  /** `null`: dpkg does not know it */
  readonly package: PackageFacts | null
}

/** How an ordinary user gets more than one id: newuidmap(1), subuid(5). */
export interface SubordinateIds {
  readonly newuidmap: string | null
  readonly newgidmap: string | null
  /** that this user may map besides its own */
  readonly uids: readonly IdRange[]
  readonly gids: readonly IdRange[]
}

/** Ids of the host, `count` of them from `first` on. */
export interface IdRange {
  readonly first: number
  readonly count: number
}

/** Each is read when it is first asked for. */
export interface Runtimes {
  readonly bubblewrap: RuntimeFacts
  readonly runc: RuntimeFacts
  readonly runsc: RuntimeFacts
  readonly subordinateIds: SubordinateIds
}

/** What is needed besides files: who owns a path, and what a program says. */
export interface RuntimeLook extends Pick<HostLook, 'read' | 'uid'> {
  /** name of this user; `null`: it has none */
  readonly userName: string | null
  /** without symbolic links; `null`: not there */
  readonly real: (path: string) => string | null
  /** `null`: not there */
  readonly owner: (
    path: string,
  ) => { readonly uid: number; readonly gid: number; readonly mode: number } | null
  /** the first of what it says, bounded in bytes and time; `null`: it can't be started, or does not end */
  readonly says: (program: string, args: readonly string[]) => string | null
}

/** Fixed places, never the caller's PATH: a planted `runc` would be the boundary. Debian has runc in sbin. */
const FOLDERS = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin', '/bin', '/sbin'] as const

interface Kind {
  readonly file: string
  readonly packages: readonly string[]
  readonly version: RegExp
}

const KINDS: Readonly<Record<RuntimeName, Kind>> = {
  bubblewrap: { file: 'bwrap', packages: ['bubblewrap'], version: /^bubblewrap (\S+)$/m },
  runc: { file: 'runc', packages: ['runc'], version: /^runc version (\S+)$/m },
  runsc: { file: 'runsc', packages: ['runsc'], version: /^runsc version (\S+)$/m },
}

export function runtimes(look: RuntimeLook): Runtimes {
  const found: { -readonly [Name in keyof Runtimes]?: Runtimes[Name] } = {}
  return {
    get bubblewrap() {
      found.bubblewrap ??= runtimeFacts(look, 'bubblewrap')
      return found.bubblewrap
    },
    get runc() {
      found.runc ??= runtimeFacts(look, 'runc')
      return found.runc
    },
    get runsc() {
      found.runsc ??= runtimeFacts(look, 'runsc')
      return found.runsc
    },
    get subordinateIds() {
      found.subordinateIds ??= subordinateIds(look)
      return found.subordinateIds
    },
  }
}

export function runtimeFacts(look: RuntimeLook, name: RuntimeName): RuntimeFacts {
  const none = { path: null, distrusted: '', version: null, libseccomp: null, package: null }
  const { file, packages, version: pattern } = KINDS[name]
  const path = findProgram(look, file)
  if (path === null) return none
  const distrusted = distrust(look, path)
  // what somebody else put there is not even asked for its version: as root that would be their program as root
  if (distrusted !== '') return { ...none, path, distrusted }
  const said = look.says(path, ['--version']) ?? ''
  const version = readable(pattern.exec(said)?.[1])
  const libseccomp = readable(/^libseccomp: (\S+)$/m.exec(said)?.[1])
  return { path, distrusted, version, libseccomp, package: packageOf(look, packages, path, version) }
}

/** Of the fixed places, the first that has it. */
export function findProgram(look: Pick<RuntimeLook, 'real'>, file: string): string | null {
  for (const folder of FOLDERS) {
    const path = look.real(`${folder}/${file}`)
    if (path !== null) return path
  }
  return null
}

/** A version that nothing can be said of is none. */
function readable(text: string | undefined): string | null {
  return text !== undefined && upstreamVersion(text) !== null ? text : null
}

const [WRITABLE_BY_GROUP, WRITABLE_BY_ALL] = [0o020, 0o002] as const

/** Whoever may write to the program, or to a folder above it, chooses what is started. A sticky folder is no exception. */
export function distrust(
  look: Pick<RuntimeLook, 'owner'>,
  path: string,
  owners: readonly number[] = [0],
): string {
  const parts = path.split('/').slice(1)
  for (let count = parts.length; count >= 0; count--) {
    const at = `/${parts.slice(0, count).join('/')}`
    const owner = look.owner(at)
    if (owner === null) return `${at} can't be looked at.`
    if (!owners.includes(owner.uid))
      return `${at} belongs to uid ${owner.uid}, ${owners.length === 1 ? 'not to root' : 'neither to root nor to this user'}.`
    const others = owner.gid === 0 ? WRITABLE_BY_ALL : WRITABLE_BY_ALL | WRITABLE_BY_GROUP
    if ((owner.mode & others) !== 0) return `${at} may be written to by others than root.`
  }
  return ''
}

function subordinateIds(look: RuntimeLook): SubordinateIds {
  return {
    newuidmap: findProgram(look, 'newuidmap'),
    newgidmap: findProgram(look, 'newgidmap'),
    uids: granted(look, '/etc/subuid'),
    gids: granted(look, '/etc/subgid'),
  }
}

/** user_namespaces(7): (uid_t)-1 is nobody's. */
const HIGHEST_ID = 0xffff_fffe

/** subuid(5): lines of `user:first:count`, the user by name or number. */
function granted(look: RuntimeLook, file: string): IdRange[] {
  const who = [`${look.uid}`, ...(look.userName === null ? [] : [look.userName])]
  return (look.read(file) ?? '').split('\n').flatMap((line) => {
    const [, user = '', first, count] = /^([^:\s]+):(\d{1,10}):(\d{1,10})$/.exec(line.trim()) ?? []
    const range = { first: Number(first), count: Math.min(Number(count), HIGHEST_ID + 1 - Number(first)) }
    return who.includes(user) && range.count > 0 ? [range] : []
  })
}
