import { trustEnv } from '../../network/index.js'
import type { Claim, Plan, RequirementId } from '../../plan/index.js'
import { STANDING } from '../walls.js'
import { type Gain, listGains } from './difference.js'

/** What is set by Glovebox itself where the job may lock itself: it comes with the lock. */
const LOCK_VARIABLE = 'GLOVEBOX_LOCK_FD'

/** What `now` takes from the walls. */
export function wallGains(old: Plan, now: Plan): Gain[] {
  const [calls, call] = [old.syscalls, now.syscalls]
  return [
    ...(call.profile === 'default' && calls.profile === 'compute'
      ? [grown('syscalls.profile', calls.profile, call.profile)]
      : []),
    ...(call.lock === null && calls.lock !== null ? [grown('syscalls.lock', calls.lock, 'none')] : []),
    ...listGains('out', 'syscalls.allow', calls.allow, call.allow),
    ...listGains('out', 'syscalls not denied', call.deny, calls.deny),
    ...listGains('out', 'waive', old.waivers, now.waivers),
    ...lostClaims(old, now),
    ...listGains('touch', 'env', variables(old), variables(now)),
  ]
}

function grown(subject: string, had: string, has: string): Gain {
  return { part: 'out', subject, what: '', grown: true, had, has }
}

function lostClaims(old: Plan, now: Plan): Gain[] {
  return old.claims
    .filter(({ status }) => status === 'enforced')
    .flatMap(({ id, sentence }): Gain[] => {
      const claim = now.claims.find((each) => each.id === id)
      const status = claim?.status ?? 'notApplicable'
      // a waiver has a line of its own
      if (status === 'enforced' || status === 'waived' || isOver(id, claim)) return []
      return [{ part: 'out', subject: id, what: sentence, grown: true, had: 'enforced', has: status }]
    })
}

/** A promise about an opening is gone with it, and nothing is lost; any other that is gone is. */
const isOver = (id: RequirementId, claim: Claim | undefined) =>
  STANDING[id].ofOpening === true && claim?.status === 'notApplicable' && claim.absence === null

/** Not those by which the authority of a sandbox is found: they come with the rule that inspects. */
const variables = ({ env, network, syscalls }: Plan) => {
  const trust = trustEnv(network)
  return Object.keys(env).filter(
    (name) =>
      (name !== LOCK_VARIABLE || syscalls.lock === null) &&
      (env[name] !== trust[name] || env[name] === undefined),
  )
}
