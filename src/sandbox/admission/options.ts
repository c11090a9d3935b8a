import { UsageError } from '../../errors/index.js'

/** How much runs at once, and how many wait. What is left away is not bounded; `queue` is 1 000 where anything is bounded. */
export interface ConcurrencyOptions {
  /** sandboxes that run */
  readonly sandboxes?: number
  /** of those, sandboxes whose command does not run yet */
  readonly starts?: number
  /** of one tenant, sandboxes that run */
  readonly perTenant?: number
  /** processors that one tenant's runs take together in the long run, their starts included: who took more waits */
  readonly perTenantCpus?: number
  /** that the limits of all that run add up to, bytes; less than the host has, so that it never swaps */
  readonly memory?: number
  /** runs that wait for room; one more is refused with BusyError */
  readonly queue?: number
}

export type Room = Required<ConcurrencyOptions>

const QUEUE = 1_000
const LEAST_CPUS = 0.01

/** @throws UsageError for a number that makes no sense */
export function roomOf(options: ConcurrencyOptions): Room {
  const unbounded = Number.POSITIVE_INFINITY
  const {
    sandboxes = unbounded,
    starts = unbounded,
    perTenant = unbounded,
    perTenantCpus = unbounded,
    memory = unbounded,
    queue = QUEUE,
  } = options
  const room = { sandboxes, starts, perTenant, perTenantCpus, memory, queue }
  if (!(perTenantCpus >= LEAST_CPUS))
    throw new UsageError(
      'concurrency.range',
      `concurrency.perTenantCpus is ${perTenantCpus}, and has to be a number of at least ${LEAST_CPUS}.`,
      'Leave it away where it is not to be bounded.',
    )
  for (const [name, value] of Object.entries({ ...room, perTenantCpus: unbounded })) {
    const least = name === 'queue' ? 0 : 1
    if (value === unbounded || (Number.isSafeInteger(value) && value >= least)) continue
    throw new UsageError(
      'concurrency.range',
      `concurrency.${name} is ${value}, and has to be a whole number${name === 'memory' ? ' of bytes,' : ' of'} at least ${least}.`,
      'Leave it away where it is not to be bounded.',
    )
  }
  return room
}
