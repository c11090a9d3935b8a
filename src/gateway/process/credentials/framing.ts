/** Where a body ends that has become another. */
import type { Fields } from './carrier.js'

const isLength = ([name]: Fields[number]) => name.toLowerCase() === 'content-length'
const isCoding = ([name]: Fields[number]) => name.toLowerCase() === 'transfer-encoding'

/** What the head says; `null`: nothing */
export function lengthOf(headers: Fields): number | null {
  const written = headers.find(isLength)?.[1]
  return written === undefined ? null : Number(written)
}

/**
 * @param body where all of it is there
 * @param changed its length is none that the job knew
 */
export function framed(headers: Fields, version: 1 | 2, body: Buffer | null, changed: boolean): Fields {
  const had = headers.some((field) => isLength(field) || isCoding(field))
  const others = headers.filter((field) => !isLength(field) && !isCoding(field))
  if (version === 2) {
    if (body !== null && had) return lowerCase([...others, ['content-length', `${body.length}`]])
    return lowerCase(changed ? others : headers)
  }
  if (!had) return headers
  if (body !== null) return [...others, ['Content-Length', `${body.length}`]]
  return changed ? [...others, ['Transfer-Encoding', 'chunked']] : headers
}

const lowerCase = (fields: Fields): Fields => fields.map(([name, value]) => [name.toLowerCase(), value])
