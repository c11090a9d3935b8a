import type { BoundaryName } from '../policy/index.js'
import type { ConcurrencyOptions } from './admission/index.js'
import type { NetworkOptions } from './gateways.js'
import type { WarmOptions } from './pool/index.js'
import type { ReuseOptions } from './reuse/index.js'

/** Of `Glovebox.start`. */
export interface GloveboxOptions {
  /** which boundary the runs will probably be on: what that needs is looked for, and started, now. Absent: `process` */
  readonly boundary?: BoundaryName
  readonly network?: NetworkOptions
  /**
   * Keep sandboxes that are there before their jobs are, as many as were asked for at once lately: a run takes one, once, and need not
   * wait for its start. `true`: within the default bounds; absent: none.
   */
  readonly warm?: boolean | WarmOptions
  /** how many sandboxes that were used wait for another job of their tenant, where a policy says `reuse` */
  readonly reuse?: ReuseOptions
  /** how much runs at once, and how many wait, fairly between tenants; absent: as much as is asked for */
  readonly concurrency?: ConcurrencyOptions
}
