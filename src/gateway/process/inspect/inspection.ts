/** What a sandbox with inspected rules has besides: its authority, and those that its hosts are believed by. */
import type { SecureContext } from 'node:tls'
import { held, type NetworkPlan } from '../../../plan/index.js'
import { Authority } from '../authority/authority.js'
import type { Incoming } from '../incoming.js'
import { passInspected } from './inspect.js'
import type { HelloSaid } from './protocols.js'

export class Inspection {
  readonly authority: Authority

  /** @param roots the context in which hosts are verified */
  constructor(
    plan: NetworkPlan,
    readonly roots: SecureContext,
  ) {
    this.authority = held('gateway-authority') ? new Authority(plan, Date.now()) : shared(plan)
  }

  pass(incoming: Incoming, hello: HelloSaid): Promise<void> {
    return passInspected(this, incoming, hello)
  }
}

let everybodys: Authority | null = null

function shared(plan: NetworkPlan): Authority {
  everybodys ??= new Authority(plan, Date.now())
  return everybodys
}
