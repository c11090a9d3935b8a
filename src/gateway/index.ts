/** The gateway: the process that is the network of sandboxes, and the supervisor's handle on it. */
import type { InForce } from '../plan/index.js'
import { type Gateway, GatewayProcess } from './gateway.js'
import { type ResolutionOptions, resolutionSource } from './resolution.js'
import { type RootOptions, rootSource } from './roots.js'
import { type GatewayHost, startProcess } from './start.js'

export type { GatewayEnd } from './asked.js'
export type { Attachment, Attempts, KnownLease, NetworkListener } from './attachment.js'
export type { Gateway, Reservation } from './gateway.js'
export type { CredentialIssue, IssuedValue } from './messages.js'
export type { ResolutionOptions } from './resolution.js'
export { hostRoots } from './roots.js'
export type { GatewayHost } from './start.js'

/** How certificates are made, for decoys that have some. Loaded by who asks: it brings cryptography along. */
export const certificates = () => import('./process/authority/certificate.js')

export interface GatewayOptions extends ResolutionOptions, RootOptions {
  readonly host: GatewayHost
  /** a gateway that lacks something; absent or `null`: the one that ships */
  readonly leftOff?: InForce['leftOff']
}

/**
 * Starts a gateway, and does not wait until it is up: what is attached meanwhile waits for it.
 * @throws LaunchError when it can't be jailed here, or is not built
 */
export function startGateway(options: GatewayOptions): Gateway {
  const started = startProcess(options.host, options.leftOff ?? null)
  return new GatewayProcess(started, resolutionSource(options), rootSource(options))
}
