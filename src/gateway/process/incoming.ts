import type { Socket } from 'node:net'
import type { Target } from '../../network/index.js'
import type { NetworkRule } from '../../plan/index.js'
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
}
