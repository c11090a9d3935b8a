import { Composer, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, Parser } from 'yaml'
import { type Path, type Place, Places, type Written } from './places.js'
import { Problems } from './problems.js'
import { printable } from './quote.js'
import { lex, SECOND } from './yaml-tokens.js'

/**
 * Reads YAML 1.2 (so JSON too) into plain data, with the place of every key and value.
 * One document, no duplicate keys, no anchors, aliases, tags, directives or merge keys.
 * @param where name of the source, and the folder that its relative host paths start from
 * @throws PolicyError with line and column
 */
export function readYaml(text: string, where: Pick<Place, 'source' | 'base'>): Written {
  const source = text.startsWith('\ufeff') ? text.slice(1) : text
  return new Reader(where, source).read(source)
}

class Reader {
  readonly #lines = new LineCounter()
  readonly #where: Pick<Place, 'source' | 'base'>
  readonly #places: Places
  readonly #problems: Problems

  constructor(where: Pick<Place, 'source' | 'base'>, text: string) {
    this.#where = where
    this.#lines.addNewLine(0)
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#lines.addNewLine(at + 1)
    this.#places = new Places(this.#place(0))
    this.#problems = new Problems(this.#places)
  }

  read(text: string): Written {
    const tokens = lex(text)
    if (!Array.isArray(tokens)) {
      this.#fault(tokens.code, tokens.offset, tokens.what, tokens.advice)
      return this.#done(null)
    }
    const parser = new Parser()
    const composer = new Composer({ schema: 'core', merge: false, uniqueKeys: false, prettyErrors: false })
    let contents: Node | null = null
    let documents = 0
    for (const document of composer.compose(parse(parser, tokens), true, text.length)) {
      if (++documents > 1) {
        this.#fault('policy.syntax', document.range[0], SECOND.what, SECOND.advice)
        break
      }
      contents = document.contents as Node | null
      for (const error of [...document.errors, ...document.warnings])
        this.#fault(
          'policy.syntax',
          error.pos[0],
          `this is not YAML: ${lowerFirst(printable(error.message, 160))}.`,
        )
    }
    this.#problems.throwIfAny()
    return this.#done(this.#plain(contents, []))
  }

  #done(value: unknown): Written {
    this.#problems.throwIfAny()
    return { value, places: this.#places }
  }

  #plain(node: Node | null, path: Path): unknown {
    if (isScalar(node)) return node.value
    if (isSeq(node)) return node.items.map((item, i) => this.#item(item as Node | null, [...path, i]))
    if (isMap(node)) return this.#map(node.items as Pair<Node, Node | null>[], path)
    return null
  }

  #item(node: Node | null, path: Path): unknown {
    this.#places.set(path, this.#place(node?.range?.[0] ?? 0))
    return this.#plain(node, path)
  }

  #map(pairs: readonly Pair<Node, Node | null>[], path: Path): object {
    // no prototype: a key such as `__proto__` or `toString` is a key like any other
    const to: Record<string, unknown> = Object.create(null)
    for (const { key, value } of pairs) {
      const offset = key?.range?.[0] ?? 0
      if (!isScalar(key) || typeof key.value !== 'string') {
        this.#fault(
          'policy.syntax',
          offset,
          'this key is not text.',
          'Write a plain name, or put it in quotes.',
        )
        continue
      }
      const at = [...path, key.value]
      if (Object.hasOwn(to, key.value)) {
        const line = this.#places.ofKey(at).line
        const what = `this key is written twice, first on line ${line}.`
        this.#fault('policy.duplicateKey', offset, what, 'Keep one.', at)
        continue
      }
      const keyPlace = this.#place(offset)
      this.#places.set(at, value?.range ? this.#place(value.range[0]) : keyPlace, keyPlace)
      to[key.value] = this.#plain(value, at)
    }
    return to
  }

  #place(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset)
    return { ...this.#where, line, column: col, order: offset }
  }

  #fault(code: string, offset: number, what: string, advice = '', path: Path = []): void {
    this.#problems.addAt(this.#place(offset), code, path, what, advice)
  }
}

function* parse(parser: Parser, tokens: readonly string[]) {
  for (const token of tokens) yield* parser.next(token)
  yield* parser.end()
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
