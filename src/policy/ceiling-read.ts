import { parseDuration, parseSize } from '../units/index.js'
import type { CredentialPolicy } from './credential-policy.js'
import { readCredentials } from './credentials.js'
import type { ResolveHostPath } from './host-path.js'
import { readNetwork } from './network.js'
import { isWithin, pathFault, tidy } from './paths.js'
import type { Path, Place, Written } from './places.js'
import type { BoundaryName, NetworkPolicy, ReusePolicy, Root, SyscallProfile } from './policy.js'
import { Problems } from './problems.js'
import { show } from './quote.js'
import { readReuse } from './reuse.js'
import { readRoot } from './root.js'
import type { PolicyDocument } from './schema.js'
import { checkShape } from './shape.js'

/** A bound with the place it is written at, for the message. */
export interface Bound<T> {
  readonly value: T
  readonly place: Place
}

/** An upper bound. Numbers and the boundary bind when written; what grants something is denied when absent. */
export interface Ceiling {
  readonly boundary: Bound<BoundaryName> | null
  readonly root: Bound<Root> | null
  /** canonical folders and files that a grant must be, or lie in */
  readonly read: Bound<readonly string[]>
  readonly write: Bound<readonly string[]>
  /** those of `write` that a live grant must be, or lie in */
  readonly live: Bound<readonly string[]>
  readonly deadlineMs: Bound<number> | null
  readonly noOutputMs: Bound<number> | null
  /** absent: no sandbox may be used again */
  readonly reuse: Bound<ReusePolicy | null>
  readonly memoryBytes: Bound<number> | null
  readonly cpus: Bound<number> | null
  readonly processes: Bound<number> | null
  readonly openFiles: Bound<number> | null
  readonly outputBytes: Bound<number> | null
  readonly scratchBytes: Bound<number> | null
  readonly profile: Bound<SyscallProfile> | null
  /** names that every policy must deny */
  readonly deny: Bound<readonly string[]>
  readonly allow: Bound<readonly string[]>
  readonly waive: Bound<readonly string[]>
  /** absent: no network at all */
  readonly network: Bound<NetworkPolicy | null>
  /** by name; absent: none */
  readonly credentials: Bound<readonly CredentialPolicy[]>
  /** bounds of the section's numbers, where they are written */
  readonly networkNumber: (path: Path, value: number) => Bound<number> | null
}

/** @throws PolicyError with the ceiling's own problems: one that can't be understood bounds nothing, so stops all */
export function readCeiling(written: Written, resolve: ResolveHostPath): Ceiling {
  const problems = new Problems(written.places)
  checkShape(written, problems)
  for (const key of ['env', 'workdir']) {
    if (!written.places.has([key])) continue
    problems.addKey('policy.notABound', [key], 'a ceiling can set no bound on this.', 'Remove the key.')
  }
  problems.throwIfAny()
  const document = written.value as PolicyDocument
  const { lifetime = {}, limits = {}, syscalls = {}, files = {} } = document
  const bound = <T, U>(path: Path, value: T | undefined, read: (value: T) => U): Bound<U> | null =>
    value === undefined ? null : { value: read(value), place: written.places.of(path) }
  const names = (path: Path, value: readonly string[] | undefined): Bound<readonly string[]> => ({
    value: value ?? [],
    place: written.places.of(path),
  })
  const paths = (use: 'read' | 'write') =>
    names(['files', use], boundPaths(use, files[use] ?? [], resolve, problems))
  const same = <T>(value: T): T => value
  const ceiling: Ceiling = {
    boundary: bound(['boundary'], document.boundary, same),
    root: bound(['root'], document.root, (text) =>
      readRoot(text, { places: written.places, problems, resolve }),
    ),
    read: paths('read'),
    write: paths('write'),
    live: names(
      ['files', 'write'],
      boundPaths('write', (files.write ?? []).filter(isLive), resolve, problems),
    ),
    deadlineMs: bound(['lifetime', 'deadline'], lifetime.deadline, duration),
    noOutputMs: bound(['lifetime', 'noOutput'], lifetime.noOutput, duration),
    reuse: { value: readReuse(lifetime.reuse), place: written.places.of(['lifetime', 'reuse']) },
    memoryBytes: bound(['limits', 'memory'], limits.memory, size),
    cpus: bound(['limits', 'cpus'], limits.cpus, same),
    processes: bound(['limits', 'processes'], limits.processes, same),
    openFiles: bound(['limits', 'openFiles'], limits.openFiles, same),
    outputBytes: bound(['limits', 'output'], limits.output, size),
    scratchBytes: bound(['limits', 'scratch'], limits.scratch, size),
    profile: bound(['syscalls', 'profile'], syscalls.profile, same),
    deny: names(['syscalls', 'deny'], syscalls.deny),
    allow: names(['syscalls', 'allow'], syscalls.allow),
    waive: names(['waive'], document.waive),
    network: {
      value: readNetwork(document.network, written.places, problems),
      place: written.places.of(['network']),
    },
    credentials: {
      value: readCredentials(document.credentials, { places: written.places, problems }),
      place: written.places.of(['credentials']),
    },
    networkNumber: (path, value) => bound(path, written.places.has(path) ? value : undefined, same),
  }
  problems.throwIfAny()
  return ceiling
}

/** The checked schema has no unreadable duration; 0 would be the strictest bound if it had. */
function duration(text: string): number {
  return parseDuration(text) ?? 0
}

function size(text: string): number {
  return parseSize(text) ?? 0
}

const isLive = (grant: WrittenGrants[number]) =>
  typeof grant !== 'string' && 'live' in grant && grant.live === true

type WrittenGrants = NonNullable<NonNullable<PolicyDocument['files']>['read']>

/** A bound names places, `/` included; they need not exist, and have no place inside. */
function boundPaths(
  use: 'read' | 'write',
  grants: WrittenGrants,
  resolve: ResolveHostPath,
  problems: Problems,
) {
  return grants.flatMap((grant, i) => {
    const at = ['files', use, i]
    const path = typeof grant === 'string' ? grant : grant.path
    const inside = typeof grant === 'string' ? path.includes(':') : grant.inside !== undefined
    const fault = inside ? 'names a place inside, which a ceiling can not bound.' : lexicalFault(path)
    if (fault !== null) {
      problems.add('policy.notABound', at, `${show(path)} ${fault}`, 'Write an absolute host path.')
      return []
    }
    const answer = resolve(path)
    return 'path' in answer ? [answer.path] : [tidy(path)]
  })
}

function lexicalFault(path: string): string | null {
  if (!path.startsWith('/')) return 'is not an absolute path.'
  return path.split('/').includes('..') ? 'contains "..".' : pathFault(path)
}

/** Whether a canonical host path is, or lies in, one of the bound's places. */
export function isBelow(path: string, bound: Bound<readonly string[]>): boolean {
  return bound.value.some((folder) => isWithin(path, folder))
}
