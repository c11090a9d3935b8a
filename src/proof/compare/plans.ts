/** Which openings of a plan are wider, narrower, new or gone, beside another plan for the same host. Pure. */
import type { Plan } from '../../plan/index.js'
import { amountGains } from './amounts.js'
import { credentialGains } from './credentials.js'
import type { Difference, Gain } from './difference.js'
import { fileGains } from './files.js'
import { networkGains } from './network.js'
import { turns } from './turns.js'
import { wallGains } from './walls.js'

/**
 * All that `now` lets a job do and `old` does not, or the other way round. Empty only where neither lets it do anything that
 * the other does not. What is gained is found by one function, asked both ways: what is wider one way is narrower the other.
 */
export function comparePlans(old: Plan, now: Plan): Difference[] {
  const wider = gains(old, now).map(
    (gain): Difference => ({
      ...told(gain, gain.had, gain.has),
      change: gain.grown ? 'widened' : 'appeared',
    }),
  )
  const narrower = gains(now, old).map(
    (gain): Difference => ({
      ...told(gain, gain.has, gain.had),
      change: gain.grown ? 'narrowed' : 'disappeared',
    }),
  )
  const changed = turns(old, now).map((turn): Difference => ({ change: 'changed', ...turn }))
  return [...wider, ...changed, ...narrower]
}

/** What `now` has beyond `old`. */
function gains(old: Plan, now: Plan): Gain[] {
  return [
    ...wallGains(old, now),
    ...networkGains(old.network, now.network),
    ...fileGains(old.files, now.files),
    ...credentialGains(old, now),
    ...amountGains(old, now),
  ]
}

function told({ part, subject, what }: Gain, before: string | null, after: string | null) {
  return { part, subject, what, before, after }
}
