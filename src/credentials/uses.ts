import { held } from '../plan/index.js'
import { escaped } from './aws/sign.js'
import {
  decoded,
  type Pairs,
  type RequestHead,
  rawQuery,
  splitTarget,
  withoutAnySpelling,
} from './request.js'

/** What changes of a head. */
export interface Changed {
  readonly target: string
  readonly headers: Pairs
}

const replaced = (headers: Pairs, name: string): Pairs =>
  held('credential-alone') ? withoutAnySpelling(headers, name) : headers

/** `Authorization` says this, whatever the job had there: a token of its own would be another way out. */
export function withBearer({ target, headers }: RequestHead, value: string): Changed {
  return { target, headers: [...replaced(headers, 'authorization'), ['Authorization', `Bearer ${value}`]] }
}

/** @param user `null`: the value is `user:password` */
export function withBasic({ target, headers }: RequestHead, user: string | null, value: string): Changed {
  const pair = Buffer.from(user === null ? value : `${user}:${value}`).toString('base64')
  return { target, headers: [...replaced(headers, 'authorization'), ['Authorization', `Basic ${pair}`]] }
}

export function withHeader({ target, headers }: RequestHead, name: string, value: string): Changed {
  return { target, headers: [...replaced(headers, name), [name, value]] }
}

/** The key once, and no other spelling of it. */
export function withQuery({ target, headers }: RequestHead, key: string, value: string): Changed {
  const { path, query } = splitTarget(target)
  const others = rawQuery(query).filter(([each]) => decoded(each) !== key)
  const parts = others.map(([each, text]) => (text === null ? each : `${each}=${text}`))
  return { target: `${path}?${[...parts, `${key}=${escaped(value)}`].join('&')}`, headers }
}

/** Swaps the placeholder in every header, in Basic as in plain. */
export function swapHeaders(headers: Pairs, placeholder: string, value: string): Pairs {
  return headers.map(([name, text]) => [
    name,
    swapBasic(text, placeholder, value) ?? text.replaceAll(placeholder, () => value),
  ])
}

function swapBasic(text: string, placeholder: string, value: string): string | null {
  const [, scheme, encoded] = /^(Basic) +([A-Za-z0-9+/_-]+={0,2})$/i.exec(text) ?? []
  if (scheme === undefined || encoded === undefined) return null
  const pair = Buffer.from(encoded, 'base64').toString('latin1')
  if (!pair.includes(placeholder)) return null
  const swapped = pair.replaceAll(placeholder, () => value)
  return `${scheme} ${Buffer.from(swapped, 'latin1').toString('base64')}`
}

export function swapQuery(target: string, placeholder: string, value: string): string {
  const { path, query } = splitTarget(target)
  return query === null ? target : `${path}?${query.replaceAll(placeholder, () => escaped(value))}`
}

/** How a value is written in a body of this type. */
export function bodySpelling(contentType: string | null): (value: string) => string {
  const type = (contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  if (type === 'application/x-www-form-urlencoded') return escaped
  if (type === 'application/json' || type.endsWith('+json'))
    return (value) => JSON.stringify(value).slice(1, -1)
  return (value) => value
}

/** A value may be four hundred times as long as what stands for it: so often it is swapped in one body. */
export const MOST_SWAPS = 64

/** Swaps a placeholder in a body, in pieces of any size. What comes out has another length. */
export class BodySwap {
  readonly #from: Buffer
  readonly #to: Buffer
  #held: Buffer = Buffer.alloc(0)
  /** how often it was swapped */
  count = 0

  constructor(placeholder: string, spelled: string) {
    this.#from = Buffer.from(placeholder, 'latin1')
    this.#to = Buffer.from(spelled, 'latin1')
  }

  /** Then what it gives is not to go on. */
  get tooOften(): boolean {
    return this.count > MOST_SWAPS
  }

  push(piece: Buffer, last = false): Buffer {
    let rest = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece])
    const out: Buffer[] = []
    for (let at = rest.indexOf(this.#from); at !== -1 && !this.tooOften; at = rest.indexOf(this.#from)) {
      out.push(rest.subarray(0, at), this.#to)
      rest = rest.subarray(at + this.#from.length)
      this.count++
    }
    const keep = last ? 0 : this.#beginning(rest)
    out.push(rest.subarray(0, rest.length - keep))
    this.#held = Buffer.from(rest.subarray(rest.length - keep))
    return Buffer.concat(out)
  }

  /** How much of the end is the beginning of a placeholder, bytes. */
  #beginning(text: Buffer): number {
    for (let length = Math.min(text.length, this.#from.length - 1); length > 0; length--)
      if (text.compare(this.#from, 0, length, text.length - length) === 0) return length
    return 0
  }
}
