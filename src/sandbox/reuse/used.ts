/** What one job of several in a sandbox has used: a sandbox counts from its start. Pure. */
import type { RefusedDatagrams, UsedUntilNow } from '../../boundary/index.js'

/** Between two looks. The memory's peak can't be told apart: it is that of all jobs so far. */
export function since(
  before: UsedUntilNow,
  now: Pick<UsedUntilNow, 'cpuMs' | 'forkRefusals' | 'datagrams' | 'datagramsOmitted'>,
): Pick<UsedUntilNow, 'cpuMs' | 'forkRefusals' | 'datagrams' | 'datagramsOmitted'> {
  return {
    cpuMs: Math.max(0, now.cpuMs - before.cpuMs),
    forkRefusals: now.forkRefusals === null ? null : now.forkRefusals - (before.forkRefusals ?? 0),
    datagrams: more(before.datagrams, now.datagrams),
    datagramsOmitted: Math.max(0, now.datagramsOmitted - before.datagramsOmitted),
  }
}

const kindOf = ({ protocol, address, port }: RefusedDatagrams) => `${protocol} ${address} ${port}`

function more(before: readonly RefusedDatagrams[], now: readonly RefusedDatagrams[]): RefusedDatagrams[] {
  const known = new Map(before.map((each) => [kindOf(each), each.count]))
  return now
    .map((each) => ({ ...each, count: each.count - (known.get(kindOf(each)) ?? 0) }))
    .filter(({ count }) => count > 0)
}
