import { type HostKind, hostPath, type ResolveHostPath } from './host-path.js'
import { grantTarget } from './inside-path.js'
import { isWithin } from './paths.js'
import { formatPath, type Path, type Places } from './places.js'
import type { Grant } from './policy.js'
import type { Problems } from './problems.js'
import { show } from './quote.js'

/** One grant with its place in the policy, while grants are still compared with each other. */
export interface Granted extends Grant {
  readonly use: 'read' | 'write'
  readonly live: boolean
  readonly kind: HostKind
  readonly path: Path
}

export interface GrantContext {
  readonly places: Places
  readonly problems: Problems
  readonly resolve: ResolveHostPath
}

/** Canonical grants of one list; entries whose shape is wrong are left out (their problem is known already). */
export function readGrants(use: 'read' | 'write', entries: unknown, context: GrantContext): Granted[] {
  if (!Array.isArray(entries)) return []
  return entries.flatMap((entry, i) => {
    const path = ['files', use, i]
    if (context.problems.within(path)) return []
    return readGrant(use, entry, path, context) ?? []
  })
}

function readGrant(use: 'read' | 'write', entry: unknown, path: Path, context: GrantContext): Granted | null {
  const parts = split(entry)
  if (parts === null) {
    const advice = 'For a path with a colon write {path: HOST, inside: INSIDE}.'
    context.problems.add('policy.badGrant', path, `${show(entry)} is not HOST or HOST:INSIDE.`, advice)
    return null
  }
  const hostAt = parts.long ? [...path, 'path'] : path
  const { base } = context.places.of(path)
  const host = hostPath(parts.host, use, base, context.resolve)
  if (!('path' in host)) {
    context.problems.add('policy.badHostPath', hostAt, `${show(parts.host)} ${host.what}`, host.advice)
    return null
  }
  const written = parts.host.startsWith('/') ? parts.host : `${base}/${parts.host}`
  // without INSIDE the place inside is the path as written; one with `..` has no such spelling, its real path has
  const inside = parts.inside ?? (written.split('/').includes('..') ? host.path : written)
  const target = grantTarget(inside)
  if (!('path' in target)) {
    const insideAt = parts.long && parts.inside !== null ? [...path, 'inside'] : path
    context.problems.add('policy.badInsidePath', insideAt, `${show(inside)} ${target.what}`, target.advice)
    return null
  }
  return { use, host: host.path, inside: target.path, live: parts.live, kind: host.kind ?? 'other', path }
}

/** HOST, HOST:INSIDE or the long form; `null` when a colon too many makes it unclear where HOST ends. */
function split(entry: unknown): { host: string; inside: string | null; long: boolean; live: boolean } | null {
  if (typeof entry === 'string') {
    const [host = '', inside = null, ...rest] = entry.split(':')
    return rest.length > 0 || host === '' || inside === '' ? null : { host, inside, long: false, live: false }
  }
  const {
    path,
    inside = null,
    live = false,
  } = entry as { path: string; inside?: string | null; live?: boolean }
  return { host: path, inside, long: true, live }
}

/** Two grants that can't both hold: the same place inside, one inside another, one host folder written twice. */
export function compareGrants(grants: readonly Granted[], problems: Problems): void {
  for (const [i, later] of grants.entries()) {
    for (const earlier of grants.slice(0, i)) {
      const clash = clashOf(earlier, later)
      if (clash === null) continue
      problems.add('policy.grantClash', later.path, clash.what, clash.advice)
      break
    }
  }
}

function clashOf(earlier: Granted, later: Granted): { what: string; advice: string } | null {
  const other = formatPath(earlier.path)
  const [inside, taken] = [show(later.inside), show(earlier.inside)]
  if (earlier.inside === later.inside)
    return {
      what: `${inside} inside is taken by ${other} already.`,
      advice: 'Choose another place, or remove one.',
    }
  if (isWithin(later.inside, earlier.inside))
    return {
      what: `${inside} inside lies in ${taken}, which is ${other}.`,
      advice: 'Choose places side by side.',
    }
  if (isWithin(earlier.inside, later.inside))
    return {
      what: `${inside} inside contains ${taken}, which is ${other}.`,
      advice: 'Choose places side by side.',
    }
  if (earlier.use !== 'write' || later.use !== 'write') return null
  if (isWithin(later.host, earlier.host) || isWithin(earlier.host, later.host))
    return {
      what: `${show(later.host)} is written together with ${show(earlier.host)} of ${other}.`,
      advice: 'Give each write grant a host folder of its own.',
    }
  return null
}
