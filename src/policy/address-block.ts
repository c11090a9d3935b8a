import { domainToASCII } from 'node:url'
import { canonicalHostName } from './host-name.js'
import { show } from './quote.js'

/** A block of addresses, `10.2.0.0/16`. Its text is canonical. */
export interface AddressBlock {
  readonly text: string
  readonly family: 4 | 6
  /** the lowest address as a number */
  readonly first: bigint
  /** how many leading bits are fixed */
  readonly length: number
}

/** The block, or what is wrong with the text (it follows the value shown) and what to write. */
export type AddressBlockAnswer = AddressBlock | { readonly what: string; readonly advice: string }

/** A block as it is written: `10.2.0.0/16`, or one address. Never throws. */
export function addressBlock(text: string): AddressBlockAnswer {
  const [host = '', length, ...rest] = text.split('/')
  if (rest.length > 0) return { what: 'is not a block of addresses.', advice: WRITE }
  const answer = canonicalHostName(host)
  if ('what' in answer)
    return /^[\da-fA-FxX.:]+$/.test(host)
      ? { what: `has ${show(host)} in it, which ${answer.what}`, advice: plainly(answer.advice, length) }
      : { what: 'is not a block of addresses.', advice: WRITE }
  if (answer.kind === 'name') return { what: 'is a name, not a block of addresses.', advice: WRITE }
  const family = answer.address.includes(':') ? 6 : 4
  const bits = family === 4 ? 32 : 128
  const fixed = length === undefined ? bits : prefixLength(length, bits)
  if (fixed === null)
    return {
      what: 'has no prefix length behind its slash.',
      advice: `Write /0 to /${bits}, or the address alone.`,
    }
  const value = numberOf(answer.address)
  const free = BigInt(bits - fixed)
  const first = (value >> free) << free
  const block = { text: `${textOf(first, family)}/${fixed}`, family, first, length: fixed } as const
  // 10.2.3.4/16: whether the one address or the whole block was meant, its writer must say
  return first === value
    ? block
    : { what: `has bits set behind its first ${fixed}.`, advice: `Write ${block.text}.` }
}

const WRITE = 'Write a block such as 10.2.0.0/16, or one address.'

/** The address that was meant, with what is left of its length: ::ffff:10.0.0.0/104 is 10.0.0.0/8. */
function plainly(advice: string, length: string | undefined): string {
  const [, address] = /^Write (\d+\.\d+\.\d+\.\d+)\.$/.exec(advice) ?? []
  if (address === undefined || length === undefined) return advice
  const fixed = prefixLength(length, 128)
  return fixed === null || fixed < 96 ? WRITE : `Write ${address}/${fixed - 96}.`
}

function prefixLength(text: string, most: number): number | null {
  return /^(0|[1-9]\d{0,2})$/.test(text) && Number(text) <= most ? Number(text) : null
}

/** Whether every address of `inner` is one of `outer`. */
export function blockContains(outer: AddressBlock, inner: AddressBlock): boolean {
  if (outer.family !== inner.family || outer.length > inner.length) return false
  const free = BigInt((outer.family === 4 ? 32 : 128) - outer.length)
  return outer.first >> free === inner.first >> free
}

/** A canonical address as a number. */
function numberOf(address: string): bigint {
  if (!address.includes(':')) return address.split('.').reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  const [head = '', tail] = address.split('::').map((part) => part.split(':').filter((group) => group !== ''))
  const left = head === '' ? [] : head
  const right = tail ?? []
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right]
  return groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n)
}

function textOf(value: bigint, family: 4 | 6): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')
  const groups = value.toString(16).padStart(32, '0').match(/.{4}/g) ?? []
  return domainToASCII(`[${groups.join(':')}]`).slice(1, -1)
}
