import { type AddressBlock, addressBlock, blockContains } from './address-block.js'
import type { Refusal } from './host-pattern.js'
import { EMBEDDED, LOOPBACK, METADATA, NEVER, PRIVATE, type SpecialBlock } from './special-addresses.js'

/** Addresses that are nobody's on the Internet, and that `private` may open. */
const OPENED = [...PRIVATE, ...LOOPBACK]
/** Reserved, multicast; and IPv6 that carries an IPv4 address, which is dialled as that address or not at all. */
const CLOSED = [
  // addresses of documentation are what examples are written with: such a rule can be read, and is never dialled
  ...NEVER.filter(([, , source]) => !source.startsWith('documentation')),
  ...EMBEDDED,
]

/** How `private` sees an address or block: `single` is one public address, which this host itself may have. */
type BlockKind = 'metadata' | 'private' | 'never' | 'single' | 'wide' | 'public'

/** In a fixed order: what nothing opens comes before what something could. */
function kindOf(block: AddressBlock): BlockKind {
  const within = (blocks: readonly SpecialBlock[]) => blocks.some(([text]) => holds(text, block))
  if (within(METADATA)) return 'metadata'
  if (within(OPENED)) return 'private'
  if (within(CLOSED)) return 'never'
  if (block.length === (block.family === 4 ? 32 : 128)) return 'single'
  return OPENED.some(([text]) => blockContains(block, known(text))) ? 'wide' : 'public'
}

/** `false`: also of an IPv4-mapped one, which no policy can spell, so `block` is none */
function holds(text: string, block: AddressBlock): boolean {
  const outer = addressBlock(text)
  return !('what' in outer) && blockContains(outer, block)
}

/** A block that a rule may open, in its canonical form. */
export function privateBlock(text: string): AddressBlock | Refusal {
  const block = addressBlock(text)
  return 'what' in block ? block : (refusal(kindOf(block), block.family) ?? block)
}

function refusal(kind: BlockKind, family: 4 | 6): Refusal | null {
  if (kind === 'metadata')
    return { what: 'is a metadata service, which no rule opens.', advice: 'Remove it.' }
  if (kind === 'never')
    return {
      what: 'is multicast, reserved or not a network of its own; no rule opens it.',
      advice: 'Remove it.',
    }
  const such = family === 4 ? '10.2.0.0/16' : 'fd12:3456:789a::/48'
  if (kind === 'wide')
    return {
      what: 'holds more than private addresses.',
      advice: `Write the block that the host is in, such as ${such}.`,
    }
  if (kind === 'public')
    return {
      what: 'holds public addresses, which need no such block.',
      advice: `Write a private block such as ${such}, or remove it.`,
    }
  return null
}

/** What is wrong with a literal address as the host of a rule that opens these blocks. */
export function addressFault(address: string, open: readonly AddressBlock[]): Refusal | null {
  const block = known(address)
  const kind = kindOf(block)
  if (kind === 'metadata' || kind === 'never') return refusal(kind, block.family)
  if (kind !== 'private' || open.some((each) => blockContains(each, block))) return null
  return {
    what: 'is a private address.',
    advice: `Write {host: ${quoted(address)}, private: [${quoted(address)}]} to open it.`,
  }
}

/** YAML would take a colon behind a brace for a key's. */
function quoted(address: string): string {
  return address.includes(':') ? `"${address}"` : address
}

function known(text: string): AddressBlock {
  const block = addressBlock(text)
  if ('what' in block) throw new TypeError(`${text} is no block of addresses`)
  return block
}
