import type { FilePlan } from '../../plan/index.js'
import type { Grant } from '../../policy/index.js'
import type { Gain } from './difference.js'

/** `live` is both of the others, and more: at once, unbounded, unchecked. */
type Kind = 'read' | 'collected' | 'live'

interface Granted extends Grant {
  readonly kind: Kind
}

const WORDS: Record<Kind, string> = {
  read: 'to read',
  collected: 'to collect into',
  live: 'to read and write, at once',
}

/** Grants of `now` that no grant of `old` holds. */
export function fileGains(old: FilePlan, now: FilePlan): Gain[] {
  const before = granted(old)
  return granted(now)
    .filter((grant) => !before.some((held) => holds(held, grant)))
    .map((grant): Gain => {
      const near = before.filter((held) => covers(held.host, grant.host) || covers(grant.host, held.host))
      return {
        part: 'touch',
        subject: grant.kind === 'read' ? 'files.read' : 'files.write',
        what: words(grant),
        grown: near.length > 0,
        had: near.length === 0 ? null : near.map(words).join('; '),
        has: words(grant),
      }
    })
}

export interface Moved {
  readonly host: string
  readonly before: string
  readonly after: string
}

/** What both plans grant, where it is shown in another place: a program may take it for something else there. */
export function movedGrants(old: FilePlan, now: FilePlan): Moved[] {
  const [before, after] = [granted(old), granted(now)]
  const stayed = (grant: Granted, others: readonly Granted[]) =>
    others.some((other) => related(grant, other) && samePlace(grant, other))
  return before.flatMap((grant) =>
    after
      .filter((other) => related(grant, other) && !(stayed(grant, after) && stayed(other, before)))
      .filter((other) => !samePlace(grant, other))
      .map((other) => ({
        host: grant.host.length > other.host.length ? grant.host : other.host,
        before: grant.inside,
        after: other.inside,
      })),
  )
}

function related(a: Granted, b: Granted): boolean {
  const alike = a.kind === b.kind || a.kind === 'live' || b.kind === 'live'
  return alike && (covers(a.host, b.host) || covers(b.host, a.host))
}

/** The narrower of the two stands inside where the wider one shows it. */
function samePlace(a: Granted, b: Granted): boolean {
  const [outer, inner] = covers(a.host, b.host) ? [a, b] : [b, a]
  return inner.inside === `${outer.inside}${inner.host.slice(outer.host.length)}`
}

function granted({ read, write, live }: FilePlan): Granted[] {
  const as = (kind: Kind) => (grant: Grant) => ({ ...grant, kind })
  return [...read.map(as('read')), ...write.map(as('collected')), ...live.map(as('live'))]
}

function holds(held: Granted, grant: Granted): boolean {
  return covers(held.host, grant.host) && (held.kind === grant.kind || held.kind === 'live')
}

/** A folder covers what lies in it. */
function covers(outer: string, inner: string): boolean {
  return inner === outer || inner.startsWith(outer === '/' ? '/' : `${outer}/`)
}

const words = ({ host, kind }: Granted) => `${host}, ${WORDS[kind]}`
