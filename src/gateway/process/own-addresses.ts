import { createSocket } from 'node:dgram'
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Which of these addresses are this host's own, at this moment. */
export type OwnAddresses = (addresses: readonly string[]) => Promise<readonly string[]>

const FRESH_MS = 1000
const MAX_KEPT = 1000

/**
 * The kernel is asked for the way to each: to an address of its own it starts at that address. A list of interfaces would not do:
 * Node's leaves out those without a carrier (a bridge that nobody is on), and routes can make more addresses local than any has.
 * @param now ms on a clock that never goes back
 */
export function ownAddresses(now: () => number, wayTo: WayTo = startOfWay): OwnAddresses {
  const known = new Map<string, { readonly own: Promise<boolean>; readonly askedAt: number }>()
  const isOwn = (address: string): Promise<boolean> => {
    const last = known.get(address)
    if (last !== undefined && now() - last.askedAt < FRESH_MS) return last.own
    if (known.size >= MAX_KEPT) known.clear()
    const own = wayTo(address).then((start) => start !== null && isSame(start, address))
    known.set(address, { own, askedAt: now() })
    own.catch(() => known.delete(address)) // asked again by the next
    return own
  }
  return async (addresses) => {
    const own = await Promise.all(addresses.map(isOwn))
    return addresses.filter((_, index) => own[index])
  }
}

/** The address that a packet to another would have as its source; `null`: there is no way. */
export type WayTo = (address: string) => Promise<string | null>

/** udp(7): connect(2) looks the way up and keeps it; no packet is sent. Rejects when the kernel can't be asked. */
function startOfWay(address: string): Promise<string | null> {
  const family = isIP(address)
  if (family === 0) return Promise.reject(new Error('no address'))
  return new Promise((resolve, reject) => {
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      lookup: (_name, _options, done) => done(null, address, family),
    })
    const answer = (start: string | null) => {
      socket.close()
      resolve(start)
    }
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (NO_WAY.has(error.code ?? '')) return answer(null)
      socket.close()
      reject(error)
    })
    // any port: it is never used
    socket.connect(9, address, () => answer(socket.address().address))
  })
}

/** A hosts file may spell one in any way. */
function isSame(a: string, b: string): boolean {
  return a === b || ipaddr.parse(a).toNormalizedString() === ipaddr.parse(b).toNormalizedString()
}

/** There is no route, or none for one's own use (broadcast): nothing there can be dialled. */
const NO_WAY: ReadonlySet<string> = new Set([
  'ENETUNREACH',
  'EHOSTUNREACH',
  'EACCES',
  'EINVAL',
  'EADDRNOTAVAIL',
])
