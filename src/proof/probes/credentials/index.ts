import type { Probe } from '../probe.js'
import { elsewhereProbes } from './elsewhere.js'
import { insideProbes } from './inside.js'
import { leaseProbes } from './leases.js'
import { placeholderProbes } from './placeholders.js'
import { reflectedProbes } from './reflected.js'
import { writtenProbes } from './written.js'

export { decoySecrets } from './decoys.js'

export const credentialProbes: readonly Probe[] = [
  ...elsewhereProbes,
  ...insideProbes,
  ...placeholderProbes,
  ...leaseProbes,
  ...reflectedProbes,
  ...writtenProbes,
]
