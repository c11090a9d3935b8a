/**
 * A value in the forms that are no escaping of single characters: those are read by the scanner itself. Only what the value alone
 * decides is looked for: of Base64 at three alignments, the characters that have no bit of a neighbour.
 */

export interface Pattern {
  /** whose value it is */
  readonly name: string
  readonly wrapping: Wrapping
  readonly bytes: Buffer
}

export type Wrapping = 'plain' | 'UTF-16' | 'hex' | 'Base64' | 'Base64 of UTF-16'

/** Shorter values would be found in ordinary text. Characters. */
export const SHORTEST_VALUE = 8
export const LONGEST_VALUE = 16_384

/** @param value {@link SHORTEST_VALUE} to {@link LONGEST_VALUE} visible ASCII characters */
export function wrappingsOf(name: string, value: string): Pattern[] {
  const plain = Buffer.from(value, 'latin1')
  const little = Buffer.from(value, 'utf16le')
  const hex = plain.toString('hex')
  const of = (wrapping: Wrapping, texts: readonly (Buffer | string)[]) =>
    texts.map((text) => ({ name, wrapping, bytes: Buffer.from(text as string, 'latin1') }))
  const all = [
    // forms have a plus for a space
    ...of('plain', [plain, value.replaceAll(' ', '+')]),
    ...of('UTF-16', [little, Buffer.from(little).swap16()]),
    ...of('hex', [hex, hex.toUpperCase()]),
    ...of('Base64', aligned(plain)),
    ...of('Base64 of UTF-16', aligned(little)),
  ]
  const seen = new Set<string>()
  return all.filter(({ bytes }) => {
    const text = bytes.toString('latin1')
    return !seen.has(text) && seen.add(text)
  })
}

/** What any Base64 has that holds these bytes: behind 0, 1 or 2 others, in both alphabets. */
function aligned(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replaceAll('=', '')
    const first = Math.ceil((before * 8) / 6)
    const last = Math.floor(((before + bytes.length) * 8) / 6)
    const text = whole.slice(first, last)
    return [text, text.replaceAll('+', '-').replaceAll('/', '_')]
  })
}
