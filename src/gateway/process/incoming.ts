import type { Socket } from 'node:net'
import type { Target } from '../../network/index.js'
import type { NetworkRule } from '../../plan/index.js'
import type { Attempted } from './attempted.js'
import type { Meter } from './meter.js'
import type { Reached } from './reach.js'
import type { SandboxNetwork } from './sandbox-network.js'

/** A connection under way. Its client is paused, and has been counted for the sandbox. */
export interface Incoming {
  readonly network: SandboxNetwork
  readonly client: Socket
  readonly target: Target
  readonly port: number
  /** that cover it, in the policy's order */
  readonly rules: readonly [NetworkRule, ...NetworkRule[]]
  /** what came already, still to be read */
  readonly begun: readonly Buffer[]
  /** the client's TLS ended here; absent: there was none, or it is passed on unread */
  readonly secure?: SecureHost
}

/** The host of a connection whose TLS ends here: it is spoken to over TLS too. */
export interface SecureHost {
  /** open already; `null`: the rule's budget has no connection left */
  meterFor(rule: NetworkRule): Meter | null
  reach(rule: NetworkRule, what: Attempted): Promise<Reached>
  /** what was reached ahead of a request, and never used, is closed and put on record */
  close(): void
}
