/** What the scanner reads is the job's and the host's: any bytes, in pieces of any size. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { StreamGuard } from '../../src/credentials/scan/guard.js'
import { Needles, Scanner } from '../../src/credentials/scan/scanner.js'
import { wrappingsOf } from '../../src/credentials/scan/wrappings.js'
import { fuzzTime } from '../network/tools.js'
import { beginnings, holds } from './oracle.js'

const TESTS = 6

const value = fc.oneof(
  fc.constantFrom(
    'sk-live-0123456789',
    'a/b+c=d&e%41f"g\\h',
    'aaaaaaaaaa',
    `ey.${'x'.repeat(70)}.signature-9`,
  ),
  fc.string({
    unit: fc.integer({ min: 33, max: 126 }).map((code) => String.fromCharCode(code)),
    minLength: 8,
    maxLength: 90,
  }),
)

const hex = (code: number, digits: number) => code.toString(16).padStart(digits, '0')
const CHARACTER: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => `%${hex(text.charCodeAt(0), 2)}`,
  (text) => `%${hex(text.charCodeAt(0), 2).toUpperCase()}`,
  (text) => `\\u${hex(text.charCodeAt(0), 4)}`,
  (text) => `\\x${hex(text.charCodeAt(0), 2)}`,
  (text) => `&#${text.charCodeAt(0)};`,
  (text) => `&#x${hex(text.charCodeAt(0), 2)};`,
]
const lines = (text: string) => text.replace(/.{5}/g, '$&\r\n')
/** Encoders of the whole value, as senders have them. */
const WHOLE: readonly ((text: string) => string)[] = [
  (text) => text,
  encodeURIComponent,
  (text) => JSON.stringify(text).slice(1, -1),
  (text) => text.replace(/[&<>"']/g, (each) => `&#${each.charCodeAt(0)};`),
  (text) => Buffer.from(text).toString('hex'),
  (text) => Buffer.from(text).toString('base64'),
  (text) => Buffer.from(`u:${text}`).toString('base64'),
  (text) => Buffer.from(`me:${text}`).toString('base64url'),
  (text) => lines(Buffer.from(`x${text}y`).toString('base64')),
  (text) => Buffer.from(text, 'utf16le').toString('latin1'),
  (text) => Buffer.from(text, 'utf16le').toString('base64'),
]
const outer: readonly ((text: string) => string)[] = [
  (text) => text,
  encodeURIComponent,
  (text) => JSON.stringify(text),
  (text) => text.replace(/[%&]/g, (each) => `%${hex(each.charCodeAt(0), 2)}`),
]

/** A value as any sender may write it, at most three escapes deep. */
const wrapped = (text: string) =>
  fc
    .tuple(
      fc.constantFrom(...WHOLE),
      fc.array(fc.nat({ max: CHARACTER.length * 4 }), { minLength: 4, maxLength: 12 }),
      fc.constantFrom(...outer),
    )
    .map(([whole, marks, last]) => {
      const characters = [...whole(text)].map((each, index) =>
        (CHARACTER[marks[index % marks.length] ?? 0] ?? CHARACTER[0]!)(each),
      )
      return last(characters.join(''))
    })

const noise = fc.string({
  unit: fc.constantFrom(
    'a',
    'Z',
    '9',
    '%',
    '\\',
    '&',
    '\n',
    '\r',
    '{',
    ':',
    '"',
    ' ',
    '\0',
    '\xff',
    'u',
    '2',
    '5',
    ';',
    '#',
  ),
  maxLength: 60,
})

function pieces(text: Buffer, sizes: readonly number[]): Buffer[] {
  const all: Buffer[] = []
  for (let at = 0, index = 0; at < text.length; index++) {
    const size = Math.max(1, sizes[index % sizes.length] ?? 1)
    all.push(text.subarray(at, at + size))
    at += size
  }
  return all
}

function scan(needles: Needles, parts: readonly Buffer[]) {
  const scanner = new Scanner(needles)
  return [...parts.flatMap((part) => scanner.feed(part)), ...scanner.feed(Buffer.alloc(0), true)]
}

const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 20, max: 200 })), {
  minLength: 1,
  maxLength: 5,
})
/** Longer than the slices that a layer takes at once. */
const long = fc.tuple(noise, fc.nat({ max: 40 })).map(([text, times]) => text.repeat(times))
const scene = value.chain((text) =>
  fc.tuple(fc.constant(text), fc.oneof(noise, long), wrapped(text), fc.oneof(noise, long), sizes),
)

test('a value in any wrapping, in pieces of any size, is found', () => {
  fc.assert(
    fc.property(scene, ([text, before, middle, after, cuts]) => {
      const stream = Buffer.from(before + middle + after, 'latin1')
      // noise before it can change how its first character reads; the second opinion says whether it did
      fc.pre(holds(stream, text))
      const hits = scan(new Needles(wrappingsOf('T', text)), pieces(stream, cuts))
      assert.ok(hits.length > 0)
      for (const { start, end } of hits) assert.ok(start >= 0 && start < end && end <= stream.length)
    }),
    fuzzTime(TESTS),
  )
})

test('any text is found to hold the value exactly when the second opinion says so', () => {
  // fragments of a short value and of its escapes: near misses of every kind
  const text = 'ab%41cd\\"'
  const shreds = fc.array(
    fc.constantFrom(
      'ab',
      '%41',
      'cd',
      '\\"',
      '"',
      '\\',
      '%',
      '25',
      '41',
      '\\\\',
      '%5C',
      '%22',
      '\\u0061',
      '&#98;',
      '&amp;',
      'b%2541',
      '\n',
      '\r\n',
      'YWI',
      'lNDFjZ',
      'FwiIg',
      'a',
      'b',
      'A',
      ';',
      '#',
      '&',
      'x',
    ),
    { maxLength: 24 },
  )
  const needles = new Needles(wrappingsOf('T', text))
  fc.assert(
    fc.property(shreds, fc.nat({ max: 12 }), shreds, sizes, (parts, times, rest, cuts) => {
      const stream = Buffer.from(parts.join('').repeat(times) + rest.join(''), 'latin1')
      assert.equal(scan(needles, pieces(stream, cuts)).length > 0, holds(stream, text))
    }),
    fuzzTime(TESTS),
  )
})

/** Each character in an escape, in an escape, and the percents of that in another. */
const deep = fc
  .tuple(value, fc.array(fc.nat({ max: CHARACTER.length - 1 }), { minLength: 2, maxLength: 6 }), fc.boolean())
  .map(([text, marks, third]) => {
    const each = (of: string) =>
      [...of]
        .map((one, index) => (CHARACTER[marks[index % marks.length] ?? 0] ?? CHARACTER[0]!)(one))
        .join('')
    const twice = each(each(text))
    return [text, third ? twice.replaceAll('%', '%25') : twice] as const
  })

test('what is found begins where the second opinion says, however far apart its characters are', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        deep,
        scene.map(([text, , middle]) => [text, middle] as const),
      ),
      noise,
      sizes,
      ([text, spelled], around, cuts) => {
        const stream = Buffer.from(`${around}${spelled} ${around}`, 'latin1')
        const places = beginnings(stream, text)
        const hits = scan(new Needles(wrappingsOf('T', text)), pieces(stream, cuts))
        assert.equal(hits.length > 0, places.size > 0)
        for (const { start } of hits) assert.ok(places.has(start), `${start} of ${[...places]}`)
      },
    ),
    fuzzTime(TESTS),
  )
})

test('a text is found to hold the same, in one piece or in many, and alone or behind a long one', () => {
  fc.assert(
    fc.property(scene, fc.integer({ min: 1, max: 40_000 }), ([text, before, middle, after, cuts], ahead) => {
      const needles = new Needles(wrappingsOf('T', text))
      const stream = Buffer.from(before + middle + after, 'latin1')
      const whole = placesOf(needles.scan(stream))
      const behind = scan(needles, [Buffer.concat([Buffer.alloc(ahead, ' '), stream])])
      for (const found of [placesOf(behind, ahead), placesOf(scan(needles, pieces(stream, cuts)))]) {
        // of places that overlap, as those of `aaaa` and of UTF-16 in both orders, one is enough, and a line end behind it may not
        // belong to it yet: that depends on where a piece ends
        assert.deepEqual(beside(found, whole), [])
        assert.deepEqual(beside(whole, found), [])
      }
    }),
    fuzzTime(TESTS),
  )
})

type Place = readonly [start: number, end: number]

const placesOf = (hits: readonly { start: number; end: number }[], ahead = 0): Place[] =>
  hits.map(({ start, end }) => [start - ahead, end - ahead])

/** Of the first, those that overlap none of the others. */
const beside = (places: readonly Place[], others: readonly Place[]) =>
  places.filter(([start, end]) => !others.some(([from, to]) => start < to && from < end))

test('what a guard lets through never holds the value, nor more of its beginning than the piece that cut it', () => {
  fc.assert(
    fc.property(scene, fc.constantFrom('cut', 'redact'), ([text, before, middle, after, cuts], how) => {
      const stream = Buffer.from(before + middle + after, 'latin1')
      fc.pre(holds(stream, text))
      const guard = new StreamGuard(new Needles(wrappingsOf('T', text)), how)
      const out: Uint8Array[] = []
      let cut = false
      for (const part of pieces(stream, cuts)) {
        const answer = guard.push(Buffer.from(part))
        out.push(Buffer.from(answer.bytes))
        cut ||= answer.cut
      }
      const rest = guard.push(Buffer.alloc(0), true)
      out.push(rest.bytes)
      cut ||= rest.cut
      const passed = Buffer.concat(out)
      assert.equal(cut, how === 'cut')
      assert.equal(holds(passed, text), false, passed.toString('latin1'))
      if (how === 'redact') assert.equal(passed.length, stream.length)
      else assert.ok(stream.subarray(0, passed.length).equals(passed))
    }),
    fuzzTime(TESTS),
  )
})

test('a text without the value goes through as it is, whatever its pieces', () => {
  const needles = new Needles(wrappingsOf('T', 'sk-live-0123456789'))
  fc.assert(
    fc.property(
      fc.array(fc.oneof(noise, fc.constantFrom('sk-live-', '%73k', 'sk-', 'c2stbGl2', '736b')), {
        maxLength: 20,
      }),
      sizes,
      (parts, cuts) => {
        const stream = Buffer.from(parts.join(''), 'latin1')
        const guard = new StreamGuard(needles, 'redact')
        const out: Uint8Array[] = pieces(stream, cuts).map((part) => Buffer.from(guard.push(part).bytes))
        out.push(guard.push(Buffer.alloc(0), true).bytes)
        assert.ok(Buffer.concat(out).equals(stream))
      },
    ),
    fuzzTime(TESTS),
  )
})
