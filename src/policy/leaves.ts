import * as z from 'zod/mini'
import { nearest } from '../spelling/index.js'
import { parseDuration, parseSize } from '../units/index.js'
import type { NumberBounds, TextBounds } from './bounds.js'

/** What JSON Schema says of a key beyond its type. */
export interface Note {
  description: string
  default?: unknown
  examples?: unknown[]
  pattern?: string
}

/** The two sentences of a problem: what is wrong (it follows the value shown), and what to write. */
export function sentences(what: string, advice: string): string {
  return `${what}\n${advice}`
}

export function splitSentences(message: string): [what: string, advice: string] {
  const [what = '', advice = ''] = message.split('\n', 2)
  return [what, advice]
}

let registry: z.core.$ZodRegistry<Note> | undefined

/** A registry of our own: zod's global one would be shared with the application. */
export function notes(): z.core.$ZodRegistry<Note> {
  registry ??= z.registry<Note>()
  return registry
}

export function noted<T extends z.ZodMiniType>(schema: T, note: Note): T {
  notes().add(schema, note)
  return schema
}

const DURATION_HELP = 'Write a whole number and ms, s, m or h, e.g. 30s.'
const SIZE_HELP = 'Write a whole number and B, KiB, MiB or GiB, e.g. 256MiB.'

/** A duration between two others, `30s`. */
export function duration(bounds: Pick<TextBounds, 'min' | 'max'>, note: Note) {
  const help = { parse: parseDuration, what: 'is not a duration.', advice: DURATION_HELP }
  return quantity(help, bounds, { pattern: '^[0-9]{1,15}(ms|s|m|h)$', ...note })
}

/** A size between two others, `256MiB`. */
export function size(bounds: Ranged<TextBounds>, note: Note) {
  const help = { parse: parseSize, what: 'is not a size.', advice: SIZE_HELP }
  return quantity(help, bounds, { pattern: '^[0-9]{1,15}(B|KiB|MiB|GiB)$', ...initial(bounds), ...note })
}

/** A range whose key may have no default. */
type Ranged<T extends { readonly initial: unknown }> = Omit<T, 'initial'> & Partial<Pick<T, 'initial'>>

function initial(bounds: { readonly initial?: unknown }): { default?: unknown } {
  return bounds.initial === undefined ? {} : { default: bounds.initial }
}

function quantity(
  help: { parse: (text: string) => number | null; what: string; advice: string },
  bounds: Pick<TextBounds, 'min' | 'max'>,
  note: Note,
) {
  const least = help.parse(bounds.min) ?? 0
  const most = help.parse(bounds.max) ?? 0
  const wrong = () => sentences(help.what, help.advice)
  const fits = (text: string) => {
    const value = help.parse(text)
    return value !== null && value >= least && value <= most
  }
  const error = (issue: { input?: unknown }) =>
    help.parse(String(issue.input)) === null
      ? wrong()
      : sentences('is out of range.', `Write ${bounds.min} to ${bounds.max}.`)
  const schema = z.string({ error: wrong }).check(z.refine(fits, { error }))
  return noted(schema, { ...note, description: `${note.description} ${bounds.min} to ${bounds.max}.` })
}

/** A number in a range; `whole` for counts. */
export function number(bounds: Ranged<NumberBounds>, whole: boolean, note: Note) {
  const kind = whole ? 'a whole number' : 'a number'
  const error = () =>
    sentences(`is not ${kind} in range.`, `Write ${kind} from ${bounds.min} to ${bounds.max}.`)
  const checks = [z.gte(bounds.min, { error }), z.lte(bounds.max, { error })] as const
  const schema = whole ? z.int({ error }).check(...checks) : z.number({ error }).check(...checks)
  return noted(schema, { ...initial(bounds), ...note })
}

/** One of a few words; `article` and noun for the message, e.g. `a boundary`. */
export function oneOf<const T extends readonly [string, ...string[]]>(words: T, noun: string, note: Note) {
  const write = words.length === 1 ? words[0] : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
  const error = (issue: { input?: unknown }) => {
    const close = typeof issue.input === 'string' ? nearest(issue.input, words) : null
    const guess = close === null || words.length === 1 ? '' : `Did you mean ${close}? `
    return sentences(`is not ${noun}.`, `${guess}Write ${write}.`)
  }
  return noted(
    z.enum(words as unknown as [string, ...string[]], { error }),
    note,
  ) as unknown as z.ZodMiniType<T[number], T[number]>
}

/** A string that matches; `what` and `advice` for when it does not. */
export function text(pattern: RegExp, what: string, advice: string, note: Note) {
  const error = () => sentences(what, advice)
  return noted(z.string({ error }).check(z.regex(pattern, { error })), note)
}

/** A list of at most `most`. */
export function list<T extends z.ZodMiniType>(item: T, most: number, note: Note) {
  const error = () => sentences('is not a list.', 'Write a list such as [a, b], or remove the key.')
  const long = () => sentences('is too long.', `Write at most ${most} entries.`)
  return noted(z.array(item, { error }).check(z.maxLength(most, { error: long })), note)
}

/** A list of one to `most`; `empty`: what to say of one with nothing in it. */
export function some<T extends z.ZodMiniType>(item: T, most: number, empty: string, note: Note) {
  return noted(list(item, most, note).check(z.minLength(1, { error: () => empty })), note)
}

/** `true` or `false`. */
export function flag(note: Note) {
  return noted(
    z.boolean({ error: () => sentences('is neither true nor false.', 'Write true or false.') }),
    note,
  )
}

/** A map with these keys and no others. */
export function section<T extends z.core.$ZodLooseShape>(shape: T, example: string, note: Note) {
  const error = (issue: { code: string }) =>
    issue.code === 'invalid_type'
      ? sentences('is not a map.', `Write one such as ${example}, or remove the key.`)
      : undefined
  return noted(z.strictObject(shape, { error }), note)
}
