/** Credentials take scanners and cryptography: they are loaded for sandboxes that have some. */
import type { CredentialIssue } from '../../messages.js'
import type { Incoming } from '../incoming.js'
import type { SandboxNetwork } from '../sandbox-network.js'
import type { Asked } from './carried.js'
import { AsItIs, type Carrier, type Refusal } from './carrier.js'
import type { Keeper } from './keeper.js'

export type { Keeper } from './keeper.js'

/** Of each sandbox that has any; gone with it. */
const keepers = new WeakMap<SandboxNetwork, Keeper>()

/** @param onEnd called when a lease ends */
export async function keep(
  network: SandboxNetwork,
  issues: readonly CredentialIssue[],
  onEnd: () => void,
): Promise<Keeper> {
  const issuedAt = network.now()
  const { Keeper } = await import('./keeper.js')
  const keeper = new Keeper(network, issues, issuedAt, onEnd)
  keepers.set(network, keeper)
  return keeper
}

/** What is done to a request that the rules allowed, or why it may not go on. */
export function carry(incoming: Incoming, asked: Asked): Carrier | Refusal {
  const keeper = keepers.get(incoming.network)
  return keeper === undefined ? new AsItIs(asked) : keeper.carry(incoming, asked)
}
