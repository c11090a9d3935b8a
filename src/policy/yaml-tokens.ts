import { Lexer } from 'yaml'
import { SOURCE_BYTES } from './bounds.js'
import { printable } from './quote.js'

/** Deepest nesting of `[` and `{`. */
const FLOW_DEPTH = 16
/** Widest indentation, and most indicators on one line: together they bound the nesting of blocks. */
const INDENT = 64
const INDICATORS = 8
/** Twice what the most variables and grants take; the composer takes about 30 µs for each. */
const TOKENS = 20_000

export interface SourceFault {
  readonly code: string
  readonly what: string
  readonly advice: string
  readonly offset: number
}

/** Controls that YAML forbids in a stream, and lone surrogates: neither has a use in a policy. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const FORBIDDEN = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]|\p{Cs}/u

/**
 * Lexes the text and refuses, before anything recursive sees it, what a policy never needs and an attacker does:
 * deep nesting, anchors, aliases, tags, directives, second documents. Nesting must be bounded here: the composer
 * recurses, and when its stack runs out while V8 compiles a regular expression the whole process aborts, which
 * no `catch` can stop (seen with 128 Ki of `- `).
 * @returns the tokens, or the first fault
 */
export function lex(text: string): string[] | SourceFault {
  const bytes = Buffer.byteLength(text)
  if (bytes > SOURCE_BYTES) {
    const what = `the policy has ${bytes} bytes; the most is ${SOURCE_BYTES}.`
    return { code: 'policy.tooLarge', what, advice: '', offset: 0 }
  }
  const forbidden = FORBIDDEN.exec(text)
  if (forbidden !== null) {
    const what = `the character ${printable(forbidden[0])} is not allowed in a policy.`
    return {
      code: 'policy.syntax',
      what,
      advice: 'Use its escape in double quotes.',
      offset: forbidden.index,
    }
  }
  const scan = new Scan()
  for (const token of new Lexer().lex(text)) {
    const fault = scan.take(token)
    if (fault !== null) return { ...fault, offset: scan.offset }
  }
  return scan.tokens
}

type Fault = Omit<SourceFault, 'offset'>

const plain = (what: string, advice = 'Write the value out.'): Fault => ({
  code: 'policy.syntax',
  what,
  advice,
})
export const SECOND = plain('a second document starts here.', 'Write one policy a file.')
const deep = plain('the policy is nested too deeply.', 'A policy needs five levels.')

class Scan {
  readonly tokens: string[] = []
  offset = 0
  #length = 0
  #flow = 0
  #indicators = 0
  #lineStart = true
  #documents = 0
  /** the lexer announces the text of a scalar by one control character; what follows is content */
  #content = false

  take(token: string): Fault | null {
    this.offset += this.#length
    this.tokens.push(token)
    if (this.tokens.length > TOKENS)
      return { code: 'policy.tooLarge', what: 'the policy is too long.', advice: '' }
    const control = token === '\x02' || token === '\x18' || token === '\x1f'
    this.#length = control ? 0 : token.length
    if (this.#content) {
      this.#content = false
      this.#lineStart = token.endsWith('\n')
      return null
    }
    if (token === '\x1f') this.#content = true
    if (control) return null
    return this.#structure(token)
  }

  #structure(token: string): Fault | null {
    if (token === '' || token === '\n' || token === '\r\n') {
      this.#lineStart = true
      this.#indicators = 0
      return null
    }
    if (this.#lineStart && token.startsWith(' ') && token.length > INDENT && this.#flow === 0) return deep
    this.#lineStart = false
    switch (token) {
      case '[':
      case '{':
        return ++this.#flow > FLOW_DEPTH ? deep : null
      case ']':
      case '}':
        this.#flow = Math.max(0, this.#flow - 1)
        return null
      case '-':
      case '?':
      case ':':
        return this.#flow === 0 && ++this.#indicators > INDICATORS ? deep : null
      case '---':
        return ++this.#documents > 1 ? SECOND : null
      case '...':
        return plain('an end of document is not allowed in a policy.', 'Remove this line.')
    }
    return special(token)
  }
}

function special(token: string): Fault | null {
  switch (token[0]) {
    case '&':
      return plain('anchors (&) are not allowed in a policy.')
    case '*':
      return plain(
        'aliases (*) are not allowed in a policy.',
        'Write the value out, or put the text in quotes.',
      )
    case '!':
      return plain('tags (!) are not allowed in a policy.', 'Remove the tag, or put the text in quotes.')
    case '%':
      return plain('directives (%) are not allowed in a policy.', 'Remove this line.')
  }
  return null
}
