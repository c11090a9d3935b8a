/** Sets of values of one 64-bit argument, as libseccomp's comparisons tell them apart. */
import type { Condition } from './rule.js'

/** The values whose bits under `mask` are `value`. */
export interface Block {
  readonly mask: bigint
  readonly value: bigint
}

const LOW_WORD = 0xffff_ffffn

/** One block for each value that the condition names; a value with bits beside the mask is none that an argument could have. */
export function blocksOf({ half, mask, values }: Condition): readonly Block[] {
  const shift = half === 'high' ? 32n : 0n
  return values
    .filter((value) => (value & mask) >>> 0 === value)
    .map((value) => ({ mask: BigInt(mask) << shift, value: BigInt(value) << shift }))
}

/**
 * What `condition` says of the values in `block` that are in no smaller block of those that {@link separated} gave. Each of them
 * is then inside or outside of all that the condition names.
 */
export function holdsIn(condition: Condition, block: Block): boolean {
  return blocksOf(condition).some((named) => contains(named, block)) === condition.member
}

/**
 * Blocks that tell apart what the conditions, all of one argument, tell apart: each value's first block in this order is the
 * smallest that it lies in, and which blocks it lies in is the same for all values whose first block that is. The last two
 * are halves of everything. The order is libseccomp's own.
 */
export function separated(conditions: readonly Condition[]): readonly Block[] {
  const named = conditions.flatMap(blocksOf).filter(({ mask }) => mask !== 0n)
  const bit = commonBit(named)
  const all = new Map<string, Block>()
  const add = (block: Block) => {
    const key = `${block.mask} ${block.value}`
    if (all.has(key)) return
    const before = [...all.values()]
    all.set(key, block)
    for (const other of before) if (meet(other, block)) add(intersection(other, block))
  }
  for (const block of [...named, { mask: bit, value: bit }, { mask: bit, value: 0n }]) add(block)
  // the others are wholly in two that are smaller
  return [...all.values()].filter(({ mask }) => (mask & bit) !== 0n).sort(asLibseccomp)
}

export function contains(outer: Block, inner: Block): boolean {
  return (outer.mask & ~inner.mask) === 0n && (inner.value & outer.mask) === outer.value
}

/** Some value is in both. */
function meet(a: Block, b: Block): boolean {
  return ((a.value ^ b.value) & a.mask & b.mask) === 0n
}

function intersection(a: Block, b: Block): Block {
  return { mask: a.mask | b.mask, value: a.value | b.value }
}

/** A bit that all blocks have a value for lies across none of them, which saves cutting each in two. */
function commonBit(blocks: readonly Block[]): bigint {
  const common = blocks.reduce((mask, block) => mask & block.mask, (1n << 64n) - 1n)
  return common === 0n ? 1n : common & -common
}

/** The upper half of an argument is compared first; greater values before smaller ones, then more bits before fewer. */
function asLibseccomp(a: Block, b: Block): number {
  return (
    descending(a.value >> 32n, b.value >> 32n) ||
    descending(bits(a.mask >> 32n), bits(b.mask >> 32n)) ||
    descending(a.mask >> 32n, b.mask >> 32n) ||
    descending(a.value & LOW_WORD, b.value & LOW_WORD) ||
    descending(bits(a.mask & LOW_WORD), bits(b.mask & LOW_WORD))
  )
}

const descending = (a: bigint, b: bigint) => (a > b ? -1 : a < b ? 1 : 0)

const bits = (word: bigint) => BigInt(word.toString(2).replaceAll('0', '').length)
