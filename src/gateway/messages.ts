/** What the supervisor and the gateway's process say to each other, over the channel of `child_process`. */
import type { NetworkPlan } from '../plan/index.js'
import type { NetworkAttempt } from '../report/index.js'

/** Where names are looked up, as this host does it. */
export interface Resolution {
  /** `address:port` or `[address]:port`, asked in this order */
  readonly servers: readonly string[]
  /** canonical names and their addresses, which are not asked for */
  readonly hosts: readonly (readonly [string, readonly string[]])[]
}

export type ToGateway =
  /** of every sandbox attached from here on */
  | { readonly kind: 'resolution'; readonly resolution: Resolution }
  /** PEM: the authorities that hosts are believed by, from here on */
  | { readonly kind: 'roots'; readonly roots: readonly string[] }
  /** make an authority for the sandbox that will be attached as `id` */
  | { readonly kind: 'authority'; readonly id: number; readonly network: NetworkPlan }
  /** `ends`: how many `end` messages follow */
  | { readonly kind: 'attach'; readonly id: number; readonly network: NetworkPlan; readonly ends: number }
  /** with a handle */
  | { readonly kind: 'end'; readonly id: number; readonly end: EndKind }
  /** also of one that never was attached */
  | { readonly kind: 'detach'; readonly id: number }

export type FromGateway =
  | { readonly kind: 'ready' }
  /** PEM: what the job has to trust */
  | { readonly kind: 'authority'; readonly id: number; readonly certificate: string }
  /** it listens on every end */
  | { readonly kind: 'attached'; readonly id: number }
  | { readonly kind: 'refused'; readonly id: number; readonly why: string }
  /** since the last such message; alike ones are counted */
  | {
      readonly kind: 'attempts'
      readonly id: number
      readonly attempts: readonly NetworkAttempt[]
      readonly omitted: number
    }
  /** nothing of the sandbox is left, and all its attempts were told */
  | { readonly kind: 'detached'; readonly id: number }

/** `connections`: a listening TCP socket; `names`: the UDP socket of the resolver. */
export type EndKind = 'connections' | 'names'
