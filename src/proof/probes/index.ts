/** All probes, and why some claims have none. */
import type { RequirementId } from '../../plan/index.js'
import { aroundProbes } from './around.js'
import { callProbes } from './calls.js'
import { credentialProbes } from './credentials/index.js'
import { emptyProbes } from './empty.js'
import { firstProcessProbes } from './first-process.js'
import { furtherWallProbes } from './further-walls.js'
import { givingUpProbes } from './giving-up.js'
import { grantProbes } from './grants.js'
import { hiddenProbes } from './hidden.js'
import { inheritanceProbes } from './inheritance.js'
import { kernelProbes } from './kernel.js'
import { leftoverProbes } from './leftovers.js'
import { lifetimeProbes } from './lifetime.js'
import { machineProbes } from './machine.js'
import { memoryProbes } from './memory.js'
import { mountProbes } from './mounts.js'
import { networkProbes } from './network/index.js'
import { numberProbes } from './numbers.js'
import { oneTenantProbes } from './one-tenant.js'
import { forgedProbes, outputProbes } from './outputs.js'
import { privilegeProbes } from './privileges.js'
import type { Probe } from './probe.js'
import { procProbes } from './proc.js'
import { processProbes } from './processes.js'
import { rootProbes } from './root.js'
import { scratchProbes } from './scratch.js'
import { onItsKernel } from './sentry.js'

export { decoySecrets } from './credentials/index.js'
export {
  type Attempt,
  type Bench,
  type Caller,
  type Decoys,
  type Given,
  type HostProcess,
  type HostView,
  type Inside,
  type InsideOptions,
  type Look,
  type Machine,
  type Open,
  type OpenProcess,
  type Probe,
  type Revoke,
  type SeenRights,
  type Supervisor,
  type TakenEntry,
  type Talked,
  type Trial,
  type Tried,
  UNTOLD,
  Untried,
} from './probe.js'
export { roomy } from './scaled.js'
export {
  type Answer,
  type Asked,
  type Callee,
  type Line,
  type Spoken,
  type Talk,
  TalkProblem,
} from './talk.js'
export { THREATS, type ThreatId, UNTRIED } from './threats.js'
export type { ClearAnswer, SecureScene, Seen, SeenRequest, ShownCertificate, World, Zone } from './world.js'

const ALL: readonly Probe[] = [
  ...processProbes,
  ...firstProcessProbes,
  ...privilegeProbes,
  ...mountProbes,
  ...kernelProbes,
  ...callProbes,
  ...inheritanceProbes,
  ...hiddenProbes,
  ...rootProbes,
  ...procProbes,
  ...machineProbes,
  ...aroundProbes,
  ...grantProbes,
  ...givingUpProbes,
  ...furtherWallProbes,
  ...networkProbes,
  ...credentialProbes,
  ...scratchProbes,
  ...outputProbes,
  ...memoryProbes,
  ...numberProbes,
  ...lifetimeProbes,
  ...leftoverProbes,
  ...oneTenantProbes,
  ...emptyProbes,
  ...forgedProbes,
]

/** Where the job's kernel is another, some mean something else: see `sentry.ts`. */
export const PROBES: readonly Probe[] = ALL.map(onItsKernel)

/** Claims that nothing inside can try, and why not. */
export const UNPROBED: Readonly<Partial<Record<RequirementId, string>>> = {
  'isolation.known-escapes':
    'it is about versions, which no job can change; what a known escape would need is tried by the probes of other claims, and in test/inside/cves.test.ts',
}
