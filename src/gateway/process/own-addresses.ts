import { networkInterfaces } from 'node:os'

const FRESH_MS = 1000

/** This host's own addresses at the moment, read again at most each second: an interface may come at any time. */
export function ownAddresses(now: () => number): () => readonly string[] {
  let readAt = Number.NEGATIVE_INFINITY
  let addresses: readonly string[] = []
  return () => {
    if (now() - readAt >= FRESH_MS) {
      // throws when the kernel can't be asked; then nothing is dialled, rather than everything
      addresses = Object.values(networkInterfaces()).flatMap((all) =>
        (all ?? []).map(({ address }) => address),
      )
      readAt = now()
    }
    return addresses
  }
}
