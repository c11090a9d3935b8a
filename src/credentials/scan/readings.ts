/** What a reader behind would make of a text: single characters that are written in another way. */

export interface Token {
  /** where it begins */
  readonly at: number
  /** bytes that it takes */
  readonly length: number
  /** bytes that it stands for */
  readonly bytes: readonly number[]
}

/** `wait`: from there on it takes more of the text to know. */
export type Next = Token | { readonly at: number; readonly wait: true } | null

/** The next thing at or behind `from` that reads as something else. `last`: nothing follows the text; `previous`: the byte before it. */
export type Reading = (text: Buffer, from: number, last: boolean, previous: number) => Next

const [PERCENT, BACKSLASH, AMPERSAND, CR, LF] = [0x25, 0x5c, 0x26, 13, 10]

/** `&NAME;` of those that are written for visible ASCII. */
const ENTITIES: ReadonlyMap<string, number> = new Map(
  [
    ['amp', '&'],
    ['lt', '<'],
    ['gt', '>'],
    ['quot', '"'],
    ['apos', "'"],
    ['sol', '/'],
    ['plus', '+'],
    ['equals', '='],
    ['lowbar', '_'],
    ['colon', ':'],
    ['period', '.'],
    ['hyphen', '-'],
    ['percnt', '%'],
    ['bsol', '\\'],
    ['nbsp', ' '],
    ['num', '#'],
    ['excl', '!'],
    ['quest', '?'],
    ['comma', ','],
    ['semi', ';'],
    ['dollar', '$'],
    ['commat', '@'],
    ['ast', '*'],
    ['lpar', '('],
    ['rpar', ')'],
    ['lsqb', '['],
    ['rsqb', ']'],
    ['lcub', '{'],
    ['rcub', '}'],
    ['Hat', '^'],
    ['grave', '`'],
    ['verbar', '|'],
  ].map(([name = '', character = '']) => [name, character.charCodeAt(0)]),
)

/** Longest escape that is read, bytes. */
const LONGEST = 16

/** After a backslash, in JSON, JavaScript and C. */
const SHORT: ReadonlyMap<number, number> = new Map(
  [
    ['n', '\n'],
    ['r', '\r'],
    ['t', '\t'],
    ['b', '\b'],
    ['f', '\f'],
    ['/', '/'],
    ['\\', '\\'],
    ['"', '"'],
    ["'", "'"],
  ].map(([letter = '', character = '']) => [letter.charCodeAt(0), character.charCodeAt(0)]),
)

/** Bytes that are looked at one by one before the text is searched: calls into Node cost as much as so many. */
const NEAR = 256

/** `%41`, `\u0041`, `\u{41}`, `\x41`, `\/`, `&#65;`, `&#x41;`, `&amp;`. */
export const escapes: Reading = (text, from, last) => {
  for (let at = firstEscape(text, from); at < text.length; at = firstEscape(text, at + 1)) {
    const token = escapeAt(text, at, last)
    if (token !== null) return token
  }
  return null
}

function firstEscape(text: Buffer, from: number): number {
  const near = Math.min(text.length, from + NEAR)
  for (let at = from; at < near; at++) {
    const byte = text[at]
    if (byte === PERCENT || byte === BACKSLASH || byte === AMPERSAND) return at
  }
  let nearest = text.length
  for (const first of [PERCENT, BACKSLASH, AMPERSAND]) {
    // what is behind one that was found needs no look
    const at = text.subarray(near, nearest).indexOf(first)
    if (at !== -1) nearest = near + at
  }
  return nearest
}

function escapeAt(text: Buffer, at: number, last: boolean): Next {
  const first = text[at]
  if (first === PERCENT) return hexToken(text, at, 1, 2, last)
  if (first === AMPERSAND) return entityAt(text, at, last)
  const second = text[at + 1]
  if (second === undefined) return last ? null : { at, wait: true }
  const short = SHORT.get(second)
  if (short !== undefined) return { at, length: 2, bytes: [short] }
  if (second === 0x78) return hexToken(text, at, 2, 2, last)
  if (second !== 0x75) return null
  return text[at + 2] === 0x7b ? bracedAt(text, at, last) : hexToken(text, at, 2, 4, last)
}

/** `prefix` bytes, then so many hexadecimal digits. */
function hexToken(text: Buffer, at: number, prefix: number, digits: number, last: boolean): Next {
  let value = 0
  for (let index = at + prefix; index < at + prefix + digits; index++) {
    const byte = text[index]
    if (byte === undefined) return last ? null : { at, wait: true }
    const digit = hexDigit(byte)
    if (digit === -1) return null
    value = value * 16 + digit
  }
  return { at, length: prefix + digits, bytes: utf8(value, digits) }
}

/** Escapes of two digits stand for bytes, longer ones for characters. */
function utf8(value: number, digits: number): readonly number[] {
  if (value < 128 || digits === 2) return [value & 255]
  const scalar = (value >= 0xd800 && value <= 0xdfff) || value > 0x10ffff ? 0xfffd : value
  return [...Buffer.from(String.fromCodePoint(scalar))]
}

function bracedAt(text: Buffer, at: number, last: boolean): Next {
  const body = bodyUntil(text, at + 3, 0x7d, last)
  if (body === 'wait') return { at, wait: true }
  if (body === null || !/^[0-9a-fA-F]{1,6}$/.test(body)) return null
  return { at, length: body.length + 4, bytes: utf8(Number.parseInt(body, 16), 6) }
}

function entityAt(text: Buffer, at: number, last: boolean): Next {
  const body = bodyUntil(text, at + 1, 0x3b, last)
  if (body === 'wait') return { at, wait: true }
  if (body === null) return null
  const length = body.length + 2
  const [, decimal, hex] = /^#(?:([0-9]{1,7})|[xX]([0-9a-fA-F]{1,6}))$/.exec(body) ?? []
  if (decimal !== undefined) return { at, length, bytes: utf8(Number(decimal), 6) }
  if (hex !== undefined) return { at, length, bytes: utf8(Number.parseInt(hex, 16), 6) }
  const named = ENTITIES.get(body)
  return named === undefined ? null : { at, length, bytes: [named] }
}

/** What stands between here and the end mark. */
function bodyUntil(text: Buffer, from: number, mark: number, last: boolean): string | 'wait' | null {
  for (let at = from; at < from + LONGEST; at++) {
    const byte = text[at]
    if (byte === undefined) return last ? null : 'wait'
    if (byte === mark) return text.toString('latin1', from, at)
    if (!isEntity(byte)) return null
  }
  return null
}

function isEntity(byte: number): boolean {
  return (
    byte === 0x23 ||
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x61 && byte <= 0x7a)
  )
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1
}

/** The line ends of Base64 in lines (RFC 2045, PEM): those between two of its characters. */
export const lineEnds: Reading = (text, from, last, previous) => {
  for (let at = firstLineEnd(text, from); at < text.length; at = firstLineEnd(text, at + 1)) {
    const start = at > from && text[at - 1] === CR ? at - 1 : at
    if (!isBase64(start === 0 ? previous : (text[start - 1] ?? 0))) continue
    const next = text[at + 1]
    if (next === undefined) return last ? null : { at: start, wait: true }
    if (isBase64(next)) return { at: start, length: at + 1 - start, bytes: NONE }
  }
  return lateCr(text, from, last)
}

const NONE: readonly number[] = []

function firstLineEnd(text: Buffer, from: number): number {
  const near = Math.min(text.length, from + NEAR)
  for (let at = from; at < near; at++) if (text[at] === LF) return at
  const at = near === text.length ? -1 : text.indexOf(LF, near)
  return at === -1 ? text.length : at
}

function lateCr(text: Buffer, from: number, last: boolean): Next {
  const at = text.length - 1
  return !last && at >= from && text[at] === CR ? { at, wait: true } : null
}

function isBase64(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x2b ||
    byte === 0x2f ||
    byte === 0x2d ||
    byte === 0x5f
  )
}
