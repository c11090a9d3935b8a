import { type AddressBlock, addressBlock } from '../../policy/index.js'

/**
 * Blocks of `now` that those of `old` don't hold, several together if need be. A single address is more than a block round it: it
 * opens the address even where it is this host's own.
 */
export function blocksBeyond(old: readonly string[], now: readonly string[]): string[] {
  const held = old.map(blockOf)
  return now.filter((text) => !isHeld(blockOf(text), held))
}

function isHeld(block: AddressBlock, held: readonly AddressBlock[]): boolean {
  const single = block.length === (block.family === 4 ? 32 : 128)
  if (single && !block.text.startsWith('127.')) return held.some(({ text }) => text === block.text)
  const last = end(block)
  let next = block.first
  const sorted = held
    .filter(({ family }) => family === block.family)
    .sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))
  for (const each of sorted) if (each.first <= next && end(each) >= next) next = end(each) + 1n
  return next > last
}

/** Its last address. */
const end = ({ first, family, length }: AddressBlock) =>
  first + (1n << BigInt((family === 4 ? 32 : 128) - length)) - 1n

function blockOf(text: string): AddressBlock {
  const block = addressBlock(text)
  if ('what' in block) throw new TypeError('a block of a checked rule is none')
  return block
}
