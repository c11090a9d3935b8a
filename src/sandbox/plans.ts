/** Plans of policies on this host: each is made once. */
import { type Boundary, isOfEngine } from '../boundary/index.js'
import { UsageError } from '../errors/index.js'
import { type HostFacts, withEngine } from '../host/index.js'
import type { Plan } from '../plan/index.js'
import { isPolicy, type Policy } from '../policy/index.js'
import { boundaryOf, planFor } from './planner.js'
import { rootOf, sameRoot } from './roots.js'

export class Plans {
  #host: HostFacts
  /** of an engine, once a run asks for one */
  #looking: Promise<void> | null = null
  readonly #known = new WeakMap<Policy, Plan>()

  constructor(host: HostFacts) {
    this.#host = host
  }

  get host(): HostFacts {
    return this.#host
  }

  /** Only who wants one asks for it: it is another program, which may not be there. */
  lacksEngine(policy: Policy): boolean {
    return isPolicy(policy) && isOfEngine(policy.boundary) && this.#host.engine === null
  }

  lookForEngine(): Promise<void> {
    this.#looking ??= withEngine(this.#host).then((host) => {
      this.#host = host
    })
    return this.#looking
  }

  /** @throws UsageError for what is no checked policy */
  of(policy: Policy): { readonly plan: Plan; readonly boundary: Boundary } {
    if (!isPolicy(policy))
      throw new UsageError(
        'policy.unchecked',
        'This is not a checked policy.',
        'Make one with loadPolicy or parsePolicy.',
      )
    const boundary = boundaryOf(policy)
    // a name may have become another image's since
    const root = rootOf(policy, this.#host)
    const known = this.#known.get(policy)
    const plan =
      known !== undefined && sameRoot(known.files.root, root)
        ? known
        : planFor(policy, boundary, this.#host, root)
    this.#known.set(policy, plan)
    return { plan, boundary }
  }
}
