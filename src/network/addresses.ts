import ipaddr from 'ipaddr.js'
import { held } from '../plan/index.js'
import { special } from '../policy/index.js'
import type { Denial } from './verdicts.js'

declare const checked: unique symbol

/** An address that may be dialled. Only {@link classifyAddress} makes one. */
export interface CheckedAddress {
  /** canonical: dotted decimal, or RFC 5952 */
  readonly address: string
  readonly family: 4 | 6
  readonly [checked]: true
}

export type AddressVerdict =
  | { readonly verdict: 'allow'; readonly checked: CheckedAddress }
  | { readonly verdict: Denial }

type Address = ipaddr.IPv4 | ipaddr.IPv6
type Block = readonly [Address, number]

/**
 * What becomes of an attempt to dial an address. The one place that decides it, in one fixed order.
 * @param text in any spelling; what is no address is denied
 * @param open CIDR blocks: the rule's `private`
 * @param own this host's own addresses, at this moment
 */
export function classifyAddress(
  text: string,
  open: readonly string[],
  own: readonly string[],
): AddressVerdict {
  const address = parse(text)
  if (address === null) return { verdict: 'denyReserved' }
  const metadata = held('gateway-metadata') ? rowOf(METADATA_ROWS, address) : null
  if (metadata === null && !held('gateway-addresses')) return allow(address)
  const row = embedded(address) ?? metadata ?? rowOf(NEVER_ROWS, address) ?? unallocated(address)
  if (row !== null) return { verdict: row }

  const blocks = blocksOf(open)
  // who may reach a service of the host itself was decided by name, never by a wide block that happens to hold it
  const loopback = rowOf(LOOPBACK_ROWS, address)
  if (loopback !== null)
    return blocks.some((block) => isLoopbackBlock(block) && lies(address, block))
      ? allow(address)
      : { verdict: loopback }
  if (held('gateway-own-addresses') && isOwn(address, own))
    return blocks.some((block) => isExactly(address, block)) ? allow(address) : { verdict: 'denyOwnAddress' }

  const denial = rowOf(PRIVATE_ROWS, address)
  if (denial === null || blocks.some((block) => lies(address, block))) return allow(address)
  return { verdict: denial }
}

function allow(address: Address): AddressVerdict {
  const family = address.kind() === 'ipv4' ? 4 : 6
  const text = address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString()
  const value: Omit<CheckedAddress, typeof checked> = Object.freeze({ address: text, family })
  return { verdict: 'allow', checked: value as CheckedAddress }
}

function embedded(address: Address): Denial | null {
  if (!(address instanceof ipaddr.IPv6)) return null
  // ISATAP (RFC 5214, 6.1): ::0:5efe:a.b.c.d or ::200:5efe:a.b.c.d below any prefix, link-local and private ones too
  const [, , , , high = 0, low = 0] = address.parts
  if (low === 0x5efe && (high & ~0x0200) === 0) return 'denyEmbedded'
  const short =
    low === 0 && address.parts.slice(0, 7).every((part) => part === 0) && (address.parts[7] ?? 0) <= 1
  return short ? null : rowOf(EMBEDDED_ROWS, address)
}

function unallocated(address: Address): Denial | null {
  if (
    address.kind() === 'ipv4' ||
    rowOf(LOOPBACK_ROWS, address) !== null ||
    rowOf(PRIVATE_ROWS, address) !== null
  )
    return null
  return lies(address, GLOBAL) && !lies(address, ASSIGNED) ? null : 'denyReserved'
}

function isOwn(address: Address, own: readonly string[]): boolean {
  return own.some((text) => {
    // a link-local address of the host comes with its zone
    const mine = parse(text.split('%')[0] ?? '')
    return mine !== null && lies(address, [unmapped(mine), mine.kind() === 'ipv4' ? 32 : 128])
  })
}

function unmapped(address: Address): Address {
  return address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() ? address.toIPv4Address() : address
}

function isLoopbackBlock([first, length]: Block): boolean {
  return LOOPBACK_ROWS[first.kind()].some(
    ([[loopback, shortest]]) => length >= shortest && lies(first, [loopback, shortest]),
  )
}

function isExactly(address: Address, block: Block): boolean {
  return block[1] === (address.kind() === 'ipv4' ? 32 : 128) && lies(address, block)
}

interface Rows {
  readonly ipv4: readonly (readonly [Block, Denial])[]
  readonly ipv6: readonly (readonly [Block, Denial])[]
}

const EMBEDDED_ROWS = rowsFrom(special.EMBEDDED)
const METADATA_ROWS = rowsFrom(special.METADATA)
const NEVER_ROWS = rowsFrom(special.NEVER)
const LOOPBACK_ROWS = rowsFrom(special.LOOPBACK)
const PRIVATE_ROWS = rowsFrom(special.PRIVATE)
const GLOBAL = ipaddr.parseCIDR(special.GLOBAL_UNICAST)
const ASSIGNED = ipaddr.parseCIDR(special.PROTOCOL_ASSIGNMENTS)

function rowsFrom(blocks: readonly special.SpecialBlock[]): Rows {
  const rows = blocks.map(([block, verdict]) => [ipaddr.parseCIDR(block), verdict] as const)
  const of = (kind: 'ipv4' | 'ipv6') => rows.filter(([[first]]) => first.kind() === kind)
  return { ipv4: of('ipv4'), ipv6: of('ipv6') }
}

function rowOf(rows: Rows, address: Address): Denial | null {
  return rows[address.kind()].find(([block]) => lies(address, block))?.[1] ?? null
}

function lies(address: Address, [first, length]: Block): boolean {
  return address.kind() === first.kind() && address.match(first, length)
}

function parse(text: string): Address | null {
  // a zone names a link of this machine; no resolver and no accepted connection has one
  if (text.includes('%') || !ipaddr.isValid(text)) return null
  return ipaddr.parse(text)
}

/** Of lists that don't change: parsing takes longer than all the rest, and each connection of a rule comes with the same list. */
const parsedBlocks = new WeakMap<readonly string[], readonly Block[]>()

function blocksOf(open: readonly string[]): readonly Block[] {
  const blocks = parsedBlocks.get(open) ?? open.map(parseBlock).filter((block) => block !== null)
  parsedBlocks.set(open, blocks)
  return blocks
}

/** `null` opens nothing. */
function parseBlock(text: string): Block | null {
  return ipaddr.isValidCIDR(text) ? ipaddr.parseCIDR(text) : null
}
