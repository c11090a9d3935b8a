/** `&NAME;` of those that are written for visible ASCII. */
const ENTITIES: readonly (readonly [name: string, character: string])[] = [
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
]

/** A name of lower-case letters and H as a number: a text would have to be made of each that is read. */
const DIGITS = 28
const LONGEST_NAME = 6

const digitOf = (byte: number) => (byte === 0x48 ? 27 : byte >= 0x61 && byte <= 0x7a ? byte - 0x60 : 0)

/** The character that a name in the text stands for; `null`: it is none of those. */
export function entityNamed(text: Buffer, from: number, end: number): number | null {
  if (end - from > LONGEST_NAME) return null
  let key = 0
  for (let at = from; at < end; at++) {
    const digit = digitOf(text[at] ?? 0)
    if (digit === 0) return null
    key = key * DIGITS + digit
  }
  return BY_KEY.get(key) ?? null
}

const BY_KEY: ReadonlyMap<number, number> = new Map(
  ENTITIES.map(([name, character]) => [
    [...Buffer.from(name)].reduce((key, byte) => key * DIGITS + digitOf(byte), 0),
    character.charCodeAt(0),
  ]),
)
