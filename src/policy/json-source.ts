import { PolicyError } from '../errors/index.js'
import { readObject } from './object-source.js'
import type { Place, Written } from './places.js'

/**
 * JSON text as plain data, read by the engine itself: a start need not load a YAML parser for it. It knows no places, so a
 * problem is looked for once more by the YAML reader, which does.
 * @returns null for anything but an object in JSON with no key written twice
 */
export function readJson(text: string, where: Pick<Place, 'source' | 'base'>): Written | null {
  if (!/^\s*\{/.test(text)) return null
  try {
    const value: unknown = JSON.parse(text)
    return repeatsKey(text) ? null : readObject(value, { ...where, line: null, column: null, order: 0 })
  } catch {
    return null
  }
}

/** First with what {@link readJson} gives, and when that has problems, with what names their places. */
export function quickly<T>(check: (quick: boolean) => T): T {
  try {
    return check(true)
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    return check(false)
  }
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],]/g

/** Of text that JSON.parse has taken: where a string stands behind `{`, or behind `,` in an object, it is a key. */
function repeatsKey(text: string): boolean {
  const open: (Set<string> | null)[] = []
  let before = ''
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(null)
    else if (token === '}' || token === ']') open.pop()
    else if (token !== ',' && (before === '{' || before === ',')) {
      const keys = open.at(-1)
      const key = JSON.parse(token) as string
      if (keys?.has(key)) return true
      keys?.add(key)
    }
    before = token
  }
  return false
}
