/** What a report tells of a sandbox's network: what the gateway saw, and what the kernel refused before it. */
import type { Observed, SandboxEnd } from '../boundary/index.js'
import type { Attachment, Attempts } from '../gateway/index.js'
import type { NetworkAttempt } from '../report/index.js'

/** What the gateway told; `lost`: it ended before the sandbox did. */
export interface Told extends Attempts {
  readonly lost: boolean
}

/** All that the gateway tells of the sandbox, whose network ends with this. */
export async function told(attachment: Attachment | null): Promise<Told | null> {
  if (attachment === null) return null
  let lost = false
  attachment.lost.then(() => {
    lost = true
  })
  const attempts = await attachment.end()
  return { ...attempts, lost }
}

export function networkAttempts(told: Told | null, end: SandboxEnd): NetworkAttempt[] {
  const all = [...(told?.attempts ?? []), ...refusedDatagrams(end)]
  return all.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
}

/** attempts that are in none of them */
export function attemptsOmitted(told: Told | null, { datagramsOmitted }: SandboxEnd): number {
  return (told?.omitted ?? 0) + datagramsOmitted
}

export function refusedDatagrams({ datagrams }: SandboxEnd): NetworkAttempt[] {
  return datagrams.map(
    ({ protocol, address, port, count, firstMs }): NetworkAttempt => ({
      at: new Date(firstMs).toISOString(),
      protocol,
      name: null,
      address,
      port,
      verdict: 'denyDatagram',
      rule: null,
      sentBytes: 0,
      receivedBytes: 0,
      count,
      hint: 'No rule lets datagrams out. Names are asked at the resolver of /etc/resolv.conf; all else goes by TCP.',
    }),
  )
}

/** A gateway that died may have seen more than it had told. */
export function observedOf(told: Told | null, { observed }: SandboxEnd): readonly Observed[] {
  if (told?.lost !== true) return observed
  const by =
    'The gateway ended before the sandbox did, whose network ended with it: its last attempts are not on record.'
  return [
    ...observed.filter(({ id }) => id !== 'network.recorded'),
    { id: 'network.recorded', status: 'impossible', by },
  ]
}
