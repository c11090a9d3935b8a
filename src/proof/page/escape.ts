import { visible } from '../../errors/index.js'

/** Markup that can be put into a page as it is. Only the functions here make one. */
export class Markup {
  readonly #text: string

  private constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }

  /** The program's own, never anybody's words. */
  static constant(text: string): Markup {
    return new Markup(text)
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/**
 * Tagged template: what is put in is escaped for text and for quoted attributes, and spelled out where it holds controls, since a
 * path or name may be somebody else's words; but for what is markup already.
 */
export function html(
  parts: TemplateStringsArray,
  ...values: readonly (string | number | Markup | readonly Markup[])[]
): Markup {
  const put = (value: (typeof values)[number]): string =>
    value instanceof Markup
      ? value.toString()
      : typeof value === 'object'
        ? value.map(put).join('')
        : visible(`${value}`).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
  return Markup.constant(parts.map((part, index) => part + put(values[index] ?? '')).join(''))
}
