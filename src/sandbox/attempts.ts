/** What a report tells of a sandbox's network: what the gateway saw, and what the kernel refused before it. Pure. */
import type { SandboxEnd } from '../boundary/index.js'
import type { Told } from '../gateway/index.js'
import type { NetworkAttempt } from '../report/index.js'

export interface NetworkReport {
  readonly attempts: readonly NetworkAttempt[]
  readonly omitted: number
}

export const NO_NETWORK: NetworkReport = { attempts: [], omitted: 0 }

/** `endedAt`: when the sandbox was gone; the kernel counts datagrams, and does not say when each was. */
export function networkReport(told: Told | null, end: SandboxEnd, endedAt: Date): NetworkReport {
  const refused = end.datagrams.map(
    ({ protocol, address, port, count }): NetworkAttempt => ({
      at: endedAt.toISOString(),
      protocol,
      name: null,
      address,
      port,
      verdict: 'denyDatagram',
      rule: null,
      sentBytes: 0,
      receivedBytes: 0,
      count,
      hint: 'No rule lets datagrams out: let the program use TCP, and names be asked at the resolver of /etc/resolv.conf.',
    }),
  )
  return { attempts: [...(told?.attempts ?? []), ...refused], omitted: told?.omitted ?? 0 }
}
