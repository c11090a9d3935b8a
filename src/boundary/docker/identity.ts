/** Who the job is. Pure. */
import { OWN_UID_BASE } from '../../host/index.js'
import type { Plan } from '../../plan/index.js'

export interface Identity {
  readonly uid: number
  readonly gid: number
}

/** Above the ids of sandboxes that are not Docker's (base + a pid), below what systemd keeps for others. */
const FIRST = OWN_UID_BASE + (1 << 22)
const LAST = 0x7ffd_ffff

/**
 * An engine without a user namespace for its containers gives ids no other meaning inside: uid 1000 there is whoever is 1000 on the
 * host. The job is then somebody who is nobody else, in a sandbox or out of it, and sees that number instead of 1000.
 * `drawn`: from 0 to below 1, at random.
 */
export function identityOf(plan: Pick<Plan, 'identity'>, remapped: boolean, drawn: number): Identity {
  if (remapped) return { uid: plan.identity.uid, gid: plan.identity.gid }
  const own = FIRST + Math.floor(drawn * (LAST - FIRST + 1))
  return { uid: own, gid: own }
}

/** The sandbox's own files of /etc, in which the job has its name whatever its number. */
export function etcAs(
  etc: Readonly<Record<string, string>>,
  named: Identity,
  { uid, gid }: Identity,
): Record<string, string> {
  const renumbered = (text: string) =>
    text
      .replaceAll(`:x:${named.uid}:${named.gid}:`, `:x:${uid}:${gid}:`)
      .replaceAll(new RegExp(`:x:${named.gid}:$`, 'gm'), `:x:${gid}:`)
  return Object.fromEntries(
    Object.entries(etc).map(([name, text]) => [
      name,
      name === 'passwd' || name === 'group' ? renumbered(text) : text,
    ]),
  )
}
