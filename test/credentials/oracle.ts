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

/** Latin-1 text in which each character is a byte. */
export function unescaped(text: string): string {
  return text.replace(
    /%([0-9a-f]{2})|\\x([0-9a-f]{2})|\\u([0-9a-f]{4})|\\u\{([0-9a-f]{1,6})\}|\\([nrtbf/\\"'])|&#([0-9]{1,7});|&#x([0-9a-f]{1,6});|&(amp|lt|gt|quot|apos|sol|plus|equals|lowbar);/gi,
    (whole, a, b, c, d, e, f, g, h) => {
      if (a ?? b) return character(parseInt(a ?? b, 16), 2)
      if (c) return whole[1] === 'u' ? character(parseInt(c, 16), 4) : whole
      if (d) return whole[1] === 'u' ? character(parseInt(d, 16), 6) : whole
      if (e) return SHORT[e] ?? (/[NRTBF]/.test(e) ? whole : e)
      if (f) return character(Number(f), 6)
      if (g) return character(parseInt(g, 16), 6)
      return ENTITIES[h] ?? whole
    },
  )
}

const unbroken = (text: string) => text.replace(/(?<=[A-Za-z0-9+/_-])\r?\n(?=[A-Za-z0-9+/_-])/g, '')

export function holds(text: Buffer, value: string): boolean {
  const patterns = wrappingsOf('x', value).map(({ bytes }) => bytes.subarray(-64).toString('latin1'))
  let reading = text.toString('latin1')
  for (let depth = 0; depth <= 3; depth++) {
    if (patterns.some((each) => reading.includes(each) || unbroken(reading).includes(each))) return true
    reading = unescaped(reading)
  }
  return false
}
