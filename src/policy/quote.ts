/** How values that may be hostile are shown in messages: bounded, one line, no terminal escapes. */
import { visible } from '../errors/index.js'

const SHOWN = 80

/** The text with everything that could move a cursor or reorder a line spelled out, cut at 80 characters. */
export function printable(text: string, most = SHOWN): string {
  const points = [...text.slice(0, most * 2)]
  const cut = points.length > most || text.length > most * 2
  return visible(points.slice(0, most).join('')) + (cut ? '…' : '')
}

/** A value as an error shows it: strings in quotes, lists and maps by their kind only. */
export function show(value: unknown): string {
  if (typeof value === 'string')
    return `"${printable(value.replaceAll('\\', '\\\\').replaceAll('"', '\\"'))}"`
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return printable(String(value))
  return `a value of type ${typeof value}`
}
