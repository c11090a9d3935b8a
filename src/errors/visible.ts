/**
 * Text that may be hostile, in what Glovebox itself says: what acts on a terminal, or shows a reader something else than what is
 * there, is spelled out. Pure.
 */

/** Controls (C0, C1), format characters (bidi overrides, what has no width, tags), separators, private use, lone surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu
const BUT_LINE_ENDS = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu

/** One line, whatever it holds: a name with a line end in it can't make a sentence of its own. */
export function visible(text: string): string {
  return text.replace(UNPRINTABLE, spell)
}

/** The same for text of several lines. */
export function visibleLines(text: string): string {
  return text.replace(BUT_LINE_ENDS, spell)
}

/** JSON that prints as what it is: the same value to whoever parses it. */
export function visibleJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(BUT_LINE_ENDS, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

function spell(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}
