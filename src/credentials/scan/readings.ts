/** What a reader behind would make of a text: single characters that are written in another way. */
import { entityNamed } from './entities.js'

/** One for each layer, written over: a text may have half a million of them in a MiB. */
export interface Token {
  /** where it begins */
  at: number
  /** bytes that it takes; 0: from `at` on it takes more of the text to know */
  length: number
  /** bytes that it stands for, never more than it takes */
  count: number
  /** those bytes, the first one lowest */
  bytes: number
}

export const noToken = (): Token => ({ at: 0, length: 0, count: 0, bytes: 0 })

/**
 * The next thing at or behind `from` that reads as something else, into `token`; false: there is none in the text, which ends at `end`.
 * @param last nothing follows
 */
export type Reading = (text: Buffer, from: number, end: number, last: boolean, token: Token) => boolean

/** Longest body of an entity or a braced escape that is read, bytes. */
const LONGEST_BODY = 16
/** No token takes more, bytes. */
export const LONGEST_TOKEN = LONGEST_BODY + 4

const [PERCENT, BACKSLASH, AMPERSAND, HASH, CR, LF] = [0x25, 0x5c, 0x26, 0x23, 13, 10]

/** After a backslash, in JSON, JavaScript and C; 0: none. */
const SHORT = table(
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
  ].map(([letter = '', character = '']) => [letter, character.charCodeAt(0)]),
)
const STARTS = table([...'%\\&'].map((each) => [each, 1]))
/** One more than the digit's value; 0: none. */
const HEX = table([...'0123456789abcdefABCDEF'].map((each) => [each, Number.parseInt(each, 16) + 1]))
const LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789']
const BASE64 = table([...LETTERS, ...'+/-_'].map((each) => [each, 1]))
const BODY = table([...LETTERS, '#'].map((each) => [each, 1]))

function table(entries: readonly (readonly [character: string, value: number])[]): Uint8Array {
  const all = new Uint8Array(256)
  for (const [character, value] of entries) all[character.charCodeAt(0)] = value
  return all
}

/** Bytes that are looked at one by one before the text is searched: calls into Node cost as much as so many. */
const NEAR = 256

/** `%41`, `\u0041`, `\u{41}`, `\x41`, `\/`, `&#65;`, `&#x41;`, `&amp;`. */
export const escapes: Reading = (text, from, end, last, token) => {
  for (let at = firstEscape(text, from, end); at < end; at = firstEscape(text, at + 1, end))
    if (isEscape(text, at, end, last, token)) return true
  return false
}

function firstEscape(text: Buffer, from: number, end: number): number {
  const near = Math.min(end, from + NEAR)
  for (let at = from; at < near; at++) if (STARTS[text[at] ?? 0] === 1) return at
  if (near === end) return end
  let rest = text.subarray(near, end)
  for (const first of [PERCENT, BACKSLASH, AMPERSAND]) {
    // what is behind one that was found needs no look
    const at = rest.indexOf(first)
    if (at !== -1) rest = rest.subarray(0, at)
  }
  return near + rest.length
}

function isEscape(text: Buffer, at: number, end: number, last: boolean, token: Token): boolean {
  const first = text[at]
  if (first === PERCENT) return isHex(text, at, 1, 2, end, last, token)
  if (first === AMPERSAND) return isEntity(text, at, end, last, token)
  if (at + 1 === end) return !last && waits(token, at)
  const second = text[at + 1] ?? 0
  const short = SHORT[second] ?? 0
  if (short !== 0) return reads(token, at, 2, short)
  if (second === 0x78) return isHex(text, at, 2, 2, end, last, token)
  if (second !== 0x75) return false
  const braced = at + 2 < end && text[at + 2] === 0x7b
  return braced ? isBraced(text, at, end, last, token) : isHex(text, at, 2, 4, end, last, token)
}

function waits(token: Token, at: number): true {
  token.at = at
  token.length = 0
  return true
}

function reads(token: Token, at: number, length: number, byte: number): true {
  token.at = at
  token.length = length
  token.count = 1
  token.bytes = byte
  return true
}

/** A character in UTF-8. */
function readsCharacter(token: Token, at: number, length: number, value: number): true {
  if (value < 128) return reads(token, at, length, value)
  const scalar = (value >= 0xd800 && value <= 0xdfff) || value > 0x10ffff ? 0xfffd : value
  const count = scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4
  let [bytes, rest] = [0, scalar]
  for (let index = count - 1; index > 0; index--, rest >>= 6) bytes = (bytes | 0x80 | (rest & 0x3f)) << 8
  reads(token, at, length, bytes | ((0xf00 >> count) & 0xff) | rest)
  token.count = count
  return true
}

/** `prefix` bytes, then so many hexadecimal digits: two stand for a byte, four for a character. */
function isHex(
  text: Buffer,
  at: number,
  prefix: number,
  digits: number,
  end: number,
  last: boolean,
  token: Token,
): boolean {
  let value = 0
  for (let index = at + prefix; index < at + prefix + digits; index++) {
    if (index === end) return !last && waits(token, at)
    const digit = HEX[text[index] ?? 0] ?? 0
    if (digit === 0) return false
    value = value * 16 + digit - 1
  }
  const length = prefix + digits
  return digits === 2 ? reads(token, at, length, value) : readsCharacter(token, at, length, value)
}

/** `\u{…}` */
function isBraced(text: Buffer, at: number, end: number, last: boolean, token: Token): boolean {
  const mark = bodyEnd(text, at + 3, end, 0x7d)
  if (mark < 0) return mark === OPEN && !last && waits(token, at)
  const value = hexNumber(text, at + 3, mark)
  return value >= 0 && readsCharacter(token, at, mark + 1 - at, value)
}

function isEntity(text: Buffer, at: number, end: number, last: boolean, token: Token): boolean {
  const mark = bodyEnd(text, at + 1, end, 0x3b)
  if (mark < 0) return mark === OPEN && !last && waits(token, at)
  const length = mark + 1 - at
  if (text[at + 1] !== HASH) {
    const named = entityNamed(text, at + 1, mark)
    return named !== null && reads(token, at, length, named)
  }
  const isX = ((text[at + 2] ?? 0) | 0x20) === 0x78
  const value = isX ? hexNumber(text, at + 3, mark) : decimalNumber(text, at + 2, mark)
  return value >= 0 && readsCharacter(token, at, length, value)
}

/** Of a body: it may have its end mark behind the text's end, or it is none. */
const [OPEN, NONE] = [-1, -2]

/** Where the end mark stands. */
function bodyEnd(text: Buffer, from: number, end: number, mark: number): number {
  for (let at = from; at < from + LONGEST_BODY; at++) {
    if (at === end) return OPEN
    const byte = text[at] ?? 0
    if (byte === mark) return at
    if (BODY[byte] === 0) return NONE
  }
  return NONE
}

/** One to six digits; negative: it is no such number. */
function hexNumber(text: Buffer, from: number, end: number): number {
  if (end === from || end - from > 6) return NONE
  let value = 0
  for (let at = from; at < end; at++) {
    const digit = HEX[text[at] ?? 0] ?? 0
    if (digit === 0) return NONE
    value = value * 16 + digit - 1
  }
  return value
}

/** One to seven digits; negative: it is no such number. */
function decimalNumber(text: Buffer, from: number, end: number): number {
  if (end === from || end - from > 7) return NONE
  let value = 0
  for (let at = from; at < end; at++) {
    const digit = (text[at] ?? 0) - 0x30
    if (digit < 0 || digit > 9) return NONE
    value = value * 10 + digit
  }
  return value
}

/** The line ends of Base64 in lines (RFC 2045, PEM): those between two of its characters. */
export const lineEnds: Reading = (text, from, end, last, token) => {
  for (let at = firstLineEnd(text, from, end); at < end; at = firstLineEnd(text, at + 1, end)) {
    const start = at > from && text[at - 1] === CR ? at - 1 : at
    if (start === 0 || BASE64[text[start - 1] ?? 0] === 0) continue
    if (at + 1 === end) return !last && waits(token, start)
    if (BASE64[text[at + 1] ?? 0] === 0) continue
    token.at = start
    token.length = at + 1 - start
    token.count = 0
    return true
  }
  return !last && end > from && text[end - 1] === CR && waits(token, end - 1)
}

function firstLineEnd(text: Buffer, from: number, end: number): number {
  const near = Math.min(end, from + NEAR)
  for (let at = from; at < near; at++) if (text[at] === LF) return at
  if (near === end) return end
  const at = text.indexOf(LF, near)
  // what is behind the end is of no text
  return at === -1 || at > end ? end : at
}
