import ipaddr from 'ipaddr.js'

/** Names that one sandbox may have asked for. */
export const MAX_NAMES = 4096

/** 198.18.0.0/15 (RFC 2544): no host on any network has an address in it. */
const FIRST = 0xc6120000
const LAST = 0xc613ffff
/** A unique local block (RFC 4193), so that RFC 6724 prefers IPv4, as programs without IPv6 do. The last 32 bits are IPv4's. */
const PREFIX_V6 = [0xfd67, 0x6c6f, 0x7665, 0, 0, 0] as const
/** 198.18.0.0 and .1 look like a network and its router; .53 is the resolver. */
const SKIPPED = new Set([FIRST, FIRST + 1, FIRST + 53])

/**
 * Addresses that stand for names, in one sandbox: a name has one of each family for as long as the sandbox lives, so a connection
 * says by its destination which name was looked up.
 */
export class SyntheticAddresses {
  readonly #numbers = new Map<string, number>()
  readonly #names = new Map<number, string>()
  #next = FIRST

  /** @returns `null` when {@link MAX_NAMES} names have theirs and this is another */
  addressOf(name: string, family: 4 | 6): string | null {
    const number = this.#numbers.get(name) ?? this.#add(name)
    return number === null ? null : textOf(number, family)
  }

  /** The name that an address in any spelling stands for. */
  nameOf(address: string): string | null {
    const number = numberOf(address)
    return number === null ? null : (this.#names.get(number) ?? null)
  }

  /** Whether the address lies in the blocks that stand for names, whether or not this one does. */
  covers(address: string): boolean {
    return numberOf(address) !== null
  }

  #add(name: string): number | null {
    if (this.#numbers.size >= MAX_NAMES) return null
    while (SKIPPED.has(this.#next)) this.#next += 1
    const number = this.#next++
    this.#numbers.set(name, number)
    this.#names.set(number, name)
    return number
  }
}

function textOf(number: number, family: 4 | 6): string {
  if (family === 4) return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.')
  return new ipaddr.IPv6([...PREFIX_V6, number >>> 16, number & 0xffff]).toRFC5952String()
}

function numberOf(address: string): number | null {
  if (!ipaddr.isValid(address)) return null
  const parsed = ipaddr.process(address)
  if (parsed instanceof ipaddr.IPv6 && !PREFIX_V6.every((part, index) => parsed.parts[index] === part))
    return null
  const number = parsed
    .toByteArray()
    .slice(-4)
    .reduce((sum, byte) => sum * 256 + byte, 0)
  return number >= FIRST && number <= LAST ? number : null
}
