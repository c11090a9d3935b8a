import { type AddressBlock, addressBlock, blockContains } from './address-block.js'
import type { Refusal } from './host-pattern.js'

/** Addresses that are nobody's on the Internet, and that `private` may open (RFC 1918, 6598, 3927, 2544, 1122, 4193, 4291). */
const PRIVATE = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '198.18.0.0/15',
  '127.0.0.0/8',
  'fc00::/7',
  'fe80::/10',
  '::1/128',
]

/** This network, multicast, reserved; and IPv6 that carries an IPv4 address, which is dialled as that address or not at all. */
const NEVER = [
  '0.0.0.0/8',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/96',
  'ff00::/8',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '2001::/32',
  '2002::/16',
]

/** Where clouds keep the credentials of a machine. */
const METADATA = [
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
]

/** How `private` sees an address or block: `single` is one public address, which this host itself may have. */
type BlockKind = 'metadata' | 'private' | 'never' | 'single' | 'wide' | 'public'

/** In a fixed order: what nothing opens comes before what something could. */
function kindOf(block: AddressBlock): BlockKind {
  const within = (texts: readonly string[]) => texts.some((text) => blockContains(known(text), block))
  if (within(METADATA)) return 'metadata'
  if (within(PRIVATE)) return 'private'
  if (within(NEVER)) return 'never'
  if (block.length === (block.family === 4 ? 32 : 128)) return 'single'
  return PRIVATE.some((text) => blockContains(block, known(text))) ? 'wide' : 'public'
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
