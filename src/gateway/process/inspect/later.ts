/** TLS and cryptography take longer to load than all the rest: only for sandboxes that have TLS looked into. */
import type { SecureContext } from 'node:tls'
import type { NetworkPlan } from '../../../plan/index.js'
import type { SandboxNetwork } from '../sandbox-network.js'
import type { Inspection } from './inspection.js'

export type { Inspection } from './inspection.js'

/** Of each sandbox that has any; gone with it. */
const inspections = new WeakMap<SandboxNetwork, Inspection>()

export function lookInto(network: SandboxNetwork, inspection: Inspection): void {
  inspections.set(network, inspection)
}

/** `null`: no rule has TLS looked into */
export function inspectionOf(network: SandboxNetwork): Inspection | null {
  return inspections.get(network) ?? null
}

/** The authorities that hosts are believed by, made into a context when one is first needed: reading 140 takes milliseconds. */
export class Roots {
  #pem: readonly string[] = []
  #context: SecureContext | null = null

  set pem(pem: readonly string[]) {
    this.#pem = pem
    this.#context = null
  }

  async inspectionOf(plan: NetworkPlan): Promise<Inspection> {
    const [{ Inspection }, { hostContext }] = await Promise.all([
      import('./inspection.js'),
      import('./host-context.js'),
    ])
    this.#context ??= hostContext(this.#pem)
    return new Inspection(plan, this.#context)
  }
}
