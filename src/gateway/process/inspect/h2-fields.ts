/** Fields of HTTP/2, between Node's words for them and ours. */
import type { OutgoingHttpHeaders } from 'node:http2'
import type { Fields } from '../credentials/carrier.js'

/** Another clock than its own is none of a job's business; Node knows the option, its types don't. */
export const NO_DATE = { sendDate: false } as object

/** An offer of other ways to the same host would lead round the gateway. */
const NOT_ANSWERED: ReadonlySet<string> = new Set([
  'alt-svc',
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

export function answerFields(raw: readonly string[]): Fields {
  const fields: (readonly [string, string])[] = []
  for (let at = 0; at < raw.length; at += 2) {
    const [name = '', value = ''] = raw.slice(at, at + 2)
    if (!name.startsWith(':') && !NOT_ANSWERED.has(name)) fields.push([name, value])
  }
  return fields
}

/** As Node takes them: of several with one name a list, in their order. */
export function fieldsOf(fields: Fields): OutgoingHttpHeaders {
  const all: OutgoingHttpHeaders = Object.create(null)
  for (const [name, value] of fields) {
    const known = all[name]
    all[name] = known === undefined ? value : [...(Array.isArray(known) ? known : [`${known}`]), value]
  }
  return all
}

export const sizeOf = (fields: Fields) =>
  fields.reduce((sum, [name, value]) => sum + name.length + value.length, 0)
