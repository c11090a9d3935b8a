/** What the supervisor and the gateway's process say to each other, over the channel of `child_process`. */
import type { CredentialGrant, LeaseEnd } from '../credentials/index.js'
import type { NetworkPlan } from '../plan/index.js'
import type { NetworkAttempt } from '../report/index.js'

/** Where names are looked up, as this host does it. */
export interface Resolution {
  /** `address:port` or `[address]:port`, asked in this order */
  readonly servers: readonly string[]
  /** canonical names and their addresses, which are not asked for */
  readonly hosts: readonly (readonly [string, readonly string[]])[]
}

/** A value as it is sent. */
export type IssuedValue =
  | { readonly kind: 'value'; readonly value: string }
  | {
      readonly kind: 'aws'
      readonly accessKeyId: string
      readonly secret: string
      readonly sessionToken: string | null
    }

/** A credential of one sandbox, on its way to the gateway: nothing else that is sent holds a value. */
export interface CredentialIssue {
  readonly grant: CredentialGrant
  /** what the job's variable holds */
  readonly placeholder: string
  readonly value: IssuedValue
  /** ms from now, at which the value itself expires; `null`: not known */
  readonly livesMs: number | null
}

/** What became of one lease. */
export interface LeaseNews {
  readonly name: string
  readonly uses: number
  readonly refused: number
  /** `null`: it lives */
  readonly ended: LeaseEnd | null
}

export type ToGateway =
  /** of every sandbox attached from here on */
  | { readonly kind: 'resolution'; readonly resolution: Resolution }
  /** PEM: the authorities that hosts are believed by, from here on */
  | { readonly kind: 'roots'; readonly roots: readonly string[] }
  /** make an authority, for sandboxes that will be attached with it */
  | { readonly kind: 'authority'; readonly id: number; readonly network: NetworkPlan }
  /** `ends`: how many `end` messages follow */
  | {
      readonly kind: 'attach'
      readonly id: number
      readonly network: NetworkPlan
      readonly ends: number
      readonly credentials: readonly CredentialIssue[]
      /** that was made before; `null`: it has none */
      readonly authority: number | null
    }
  /** the lease is over: refused from here on, on open connections too */
  | { readonly kind: 'revoke'; readonly id: number; readonly name: string }
  /** its source gives another value now */
  | {
      readonly kind: 'renew'
      readonly id: number
      readonly name: string
      readonly value: IssuedValue
      readonly livesMs: number | null
    }
  /** with a handle */
  | { readonly kind: 'end'; readonly id: number; readonly end: EndKind }
  | { readonly kind: 'detach'; readonly id: number }
  /** an authority: no sandbox will be attached with it any more */
  | { readonly kind: 'release'; readonly id: number }

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
  /** of all credentials of a sandbox: when one ends, at once; counts now and then, and before `detached` */
  | { readonly kind: 'leases'; readonly id: number; readonly leases: readonly LeaseNews[] }
  /** nothing of the sandbox is left, and all its attempts were told */
  | { readonly kind: 'detached'; readonly id: number }

/** `connections`: a listening TCP socket; `names`: the UDP socket of the resolver. */
export type EndKind = 'connections' | 'names'
