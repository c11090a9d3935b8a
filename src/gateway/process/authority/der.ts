/** Writes DER (X.690), as much of it as a certificate is made of. Nothing here reads any. */

export type Der = Buffer

/** One element: its tag, its length, what is in it. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Der {
  const content = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content])
}

function lengthOf(bytes: number): Buffer {
  if (bytes < 0x80) return Buffer.from([bytes])
  const digits: number[] = []
  for (let rest = bytes; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256)
  return Buffer.from([0x80 | digits.length, ...digits])
}

export const sequence = (...parts: readonly Uint8Array[]): Der => element(0x30, ...parts)
export const set = (...parts: readonly Uint8Array[]): Der => element(0x31, ...parts)
export const octets = (bytes: Uint8Array): Der => element(0x04, bytes)
export const utf8 = (text: string): Der => element(0x0c, Buffer.from(text, 'utf8'))
export const truth = (): Der => element(0x01, Buffer.from([0xff]))
/** `[number]` around other elements, or in place of the tag of one */
export const tagged = (number: number, constructed: boolean, ...parts: readonly Uint8Array[]): Der =>
  element(0x80 | (constructed ? 0x20 : 0) | number, ...parts)

/** Of a number that is not negative, its bytes with the highest first. */
export function integer(bytes: Uint8Array): Der {
  let at = 0
  while (at < bytes.length - 1 && bytes[at] === 0) at += 1
  const needed = bytes.subarray(at)
  return element(0x02, (needed[0] ?? 0) >= 0x80 ? Buffer.from([0]) : Buffer.alloc(0), needed)
}

/** `unused`: bits of the last byte that don't count */
export const bits = (bytes: Uint8Array, unused = 0): Der => element(0x03, Buffer.from([unused]), bytes)

export function objectId(text: string): Der {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  return element(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

function base128(value: number): number[] {
  const digits = [value % 128]
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128))
    digits.unshift(0x80 | (rest % 128))
  return digits
}

/** UTCTime until 2049, and GeneralizedTime from then on (RFC 5280, 4.1.2.5). */
export function time(at: Date): Der {
  const text = `${at.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`
  return at.getUTCFullYear() < 2050
    ? element(0x17, Buffer.from(text.slice(2)))
    : element(0x18, Buffer.from(text))
}
