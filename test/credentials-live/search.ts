/**
 * Looks for a secret in whatever it could be hidden in, written without regard to how Glovebox looks: as it is, reversed, in percent
 * escapes, hex, Base64 of either alphabet at each alignment, UTF-16, and all of that in what was compressed. A part of it is enough.
 */
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib'

/** So many characters of it, one after the other, are no chance. */
const PART = 12
const LARGE = 4 * 1024 * 1024

/** Where and as what it was found, `where: as what`; empty: nowhere. */
export function search(secret: string, places: Readonly<Record<string, Uint8Array | string>>): string[] {
  const all = patternsOf(secret, 1)
  const some = patternsOf(secret, PART)
  return Object.entries(places).flatMap(([where, what]) => {
    const bytes = Buffer.from(what as string)
    return found(bytes.length < LARGE ? all : some, bytes, 2).map((how) => `${where}: ${how}`)
  })
}

type Pattern = readonly [how: string, bytes: Buffer]

/** `step`: between parts that are looked for. 1 finds any; one part's length finds any two in a row, fast enough for a core file. */
function patternsOf(secret: string, step: number): Pattern[] {
  const parts = new Set<string>()
  for (let at = 0; at + PART <= secret.length; at += step) parts.add(secret.slice(at, at + PART))
  return [...parts].flatMap((part) => {
    const bytes = Buffer.from(part, 'utf8')
    const hex = bytes.toString('hex')
    const percent = hex.replace(/../g, '%$&')
    const utf16 = Buffer.from(part, 'utf16le')
    const backwards = [...part].reverse().join('')
    const texts: readonly (readonly [string, string])[] = [
      ['plain', part],
      ...(encodeURIComponent(part) === part ? [] : [['URL', encodeURIComponent(part)] as const]),
      ['reversed', backwards],
      ['hex', hex],
      ['HEX', hex.toUpperCase()],
      ['percent', percent],
      ['PERCENT', percent.toUpperCase()],
      ['HTML escapes', [...part].map((each) => `&#${each.charCodeAt(0)};`).join('')],
      ['JSON escapes', [...part].map((each) => `\\u00${each.charCodeAt(0).toString(16)}`).join('')],
      ...base64s(bytes).map((text) => ['base64', text] as const),
      ...base64s(utf16).map((text) => ['base64 of UTF-16', text] as const),
    ]
    return [
      ...texts.map(([how, text]): Pattern => [how, Buffer.from(text, 'latin1')]),
      ['UTF-16LE', utf16] as Pattern,
      ['UTF-16BE', Buffer.from(utf16).swap16()] as Pattern,
    ]
  })
}

/** What does not depend on the bytes beside, at each of three alignments, in both alphabets. */
function base64s(bytes: Buffer): string[] {
  const whole = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    const inner = text.slice(before === 0 ? 0 : before + 1)
    return (before + bytes.length) % 3 === 0 ? inner : inner.slice(0, -1)
  })
  return [...new Set(whole.flatMap((text) => [text, text.replace(/\+/g, '-').replace(/\//g, '_')]))]
}

function found(patterns: readonly Pattern[], bytes: Buffer, depth: number): string[] {
  const hows = new Set<string>()
  const unbroken = Buffer.from(bytes.toString('latin1').replace(/\r?\n/g, ''), 'latin1')
  for (const [how, pattern] of patterns)
    if (!hows.has(how) && (bytes.includes(pattern) || unbroken.includes(pattern))) hows.add(how)
  if (depth > 0)
    for (const inner of unpacked(bytes))
      for (const how of found(patterns, inner, depth - 1)) hows.add(`packed, ${how}`)
  return [...hows]
}

/** All that can be unpacked, wherever in it that begins; brotli, which begins like anything, only as a whole. */
function* unpacked(bytes: Buffer): Generator<Buffer> {
  const options = { finishFlush: 2, maxOutputLength: 64 * 1024 * 1024 } // what is cut short counts, too
  const tried = (unpack: () => Buffer): Buffer[] => {
    try {
      const out = unpack()
      return out.length > 0 ? [out] : []
    } catch {
      return []
    }
  }
  for (
    let at = bytes.indexOf('\x1f\x8b\x08', 0, 'latin1');
    at !== -1;
    at = bytes.indexOf('\x1f\x8b\x08', at + 1, 'latin1')
  )
    yield* tried(() => gunzipSync(bytes.subarray(at), options))
  for (const second of [0x01, 0x5e, 0x9c, 0xda]) {
    const head = Buffer.from([0x78, second])
    for (let at = bytes.indexOf(head); at !== -1; at = bytes.indexOf(head, at + 1))
      yield* tried(() => inflateSync(bytes.subarray(at), options))
  }
  if (bytes.length < 1024 * 1024) {
    yield* tried(() => inflateRawSync(bytes, options))
    yield* tried(() => brotliDecompressSync(bytes, { maxOutputLength: options.maxOutputLength }))
  }
}
