/** What a gateway is asked for, and why it may be refused. */
import { LaunchError, visible } from '../errors/index.js'
import type { NetworkPlan } from '../plan/index.js'
import type { CredentialIssue, EndKind } from './messages.js'

/** A socket that was made inside a sandbox's network, as Node's channel delivers it. */
export interface GatewayEnd {
  readonly kind: EndKind
  readonly handle: object
}
export interface Attaching {
  readonly network: NetworkPlan
  readonly ends: readonly GatewayEnd[]
  readonly credentials: readonly CredentialIssue[]
  /** which was reserved; `null`: none */
  readonly authority: number | null
  readonly keeps: boolean
}

/** Whoever waits for the authority of a sandbox. */
export interface Reserving {
  made(certificate: string): void
  lost(error: LaunchError): void
}

export const couldBeDumped = (why: string) =>
  new LaunchError(
    'gateway.coreDumps',
    `The gateway is given no credentials where a crash could write them to disk. ${why}`,
    'Install prlimit (`apt-get install util-linux`, `apk add util-linux-misc`), and start Glovebox under a hard limit for core files that is not 0.',
  )

export const refusedBecause = (why: string) =>
  new LaunchError('gateway.refused', `The gateway could not make an authority: ${visible(why)}.`)
