/** The scanner's second opinion: the whole text at once, by regular expressions, without regard for cost. */
import { wrappingsOf } from '../../src/credentials/scan/wrappings.js'

const ENTITIES: Record<string, string> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  sol: '/',
  plus: '+',
  equals: '=',
  lowbar: '_',
}
const SHORT: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' }

const character = (value: number, digits: number) =>
  value < 128 || digits === 2
    ? String.fromCharCode(value & 255)
    : Buffer.from(
        value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff) ? '\ufffd' : String.fromCodePoint(value),
      ).toString('latin1')

const ESCAPE =
  /%([0-9a-f]{2})|\\x([0-9a-f]{2})|\\u([0-9a-f]{4})|\\u\{([0-9a-f]{1,6})\}|\\([nrtbf/\\"'])|&#([0-9]{1,7});|&#x([0-9a-f]{1,6});|&(amp|lt|gt|quot|apos|sol|plus|equals|lowbar);/gi

/** Latin-1 text in which each character is a byte. */
export function unescaped(text: string): string {
  return text.replace(ESCAPE, read)
}

type Group = string | undefined

function read(whole: string, a: Group, b: Group, c: Group, d: Group, e: Group, f: Group, g: Group, h: Group) {
  if (a ?? b) return character(parseInt(a ?? b ?? '', 16), 2)
  if (c) return whole[1] === 'u' ? character(parseInt(c, 16), 4) : whole
  if (d) return whole[1] === 'u' ? character(parseInt(d, 16), 6) : whole
  if (e) return SHORT[e] ?? (/[NRTBF]/.test(e) ? whole : e)
  if (f) return character(Number(f), 6)
  if (g) return character(parseInt(g, 16), 6)
  return ENTITIES[h ?? ''] ?? whole
}

const LINE_END = /(?<=[A-Za-z0-9+/_-])\r?\n(?=[A-Za-z0-9+/_-])/g
const unbroken = (text: string) => text.replace(LINE_END, '')

export function holds(text: Buffer, value: string): boolean {
  const patterns = wrappingsOf('x', value).map(({ bytes }) => bytes.subarray(-64).toString('latin1'))
  let reading = text.toString('latin1')
  for (let depth = 0; depth <= 3; depth++) {
    if (patterns.some((each) => reading.includes(each) || unbroken(reading).includes(each))) return true
    reading = unescaped(reading)
  }
  return false
}

/** A text, and where each of its characters begins in the stream; one more for the stream's end. */
interface Placed {
  readonly text: string
  readonly starts: readonly number[]
}

function replaced({ text, starts }: Placed, what: RegExp, by: (...groups: string[]) => string): Placed {
  const parts: string[] = []
  const places: number[] = []
  let at = 0
  const run = (to: number) => {
    parts.push(text.slice(at, to))
    places.push(...starts.slice(at, to))
  }
  for (const match of text.matchAll(what)) {
    const to = by(...match)
    if (to === match[0]) continue
    run(match.index)
    parts.push(to)
    for (let index = 0; index < to.length; index++) places.push((starts[match.index] ?? 0) + index)
    at = match.index + match[0].length
  }
  run(text.length)
  return { text: parts.join(''), starts: [...places, starts[text.length] ?? 0] }
}

/** Every place in the stream where a value begins, in whichever spelling, as far as its wrapping stands there. */
export function beginnings(stream: Buffer, value: string): Set<number> {
  const all = new Set<number>()
  let reading: Placed = {
    text: stream.toString('latin1'),
    starts: Array.from({ length: stream.length + 1 }, (_, at) => at),
  }
  for (let depth = 0; depth <= 3; depth++) {
    for (const { text, starts } of [reading, replaced(reading, LINE_END, () => '')])
      for (const { bytes } of wrappingsOf('x', value)) {
        const whole = bytes.toString('latin1')
        const end = whole.slice(-64)
        for (let at = text.indexOf(end); at !== -1; at = text.indexOf(end, at + 1)) {
          let rest = whole.length - end.length
          let start = at
          for (; rest > 0 && start > 0 && text[start - 1] === whole[rest - 1]; rest--) start--
          all.add(starts[start] ?? 0)
        }
      }
    reading = replaced(reading, ESCAPE, read as (...groups: string[]) => string)
  }
  return all
}
