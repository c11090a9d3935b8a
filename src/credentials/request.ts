/** A request as the gateway is about to write it, once the network's rules allowed it. */
export interface RequestHead {
  readonly method: string
  /** canonical: the name that was looked up, verified in the certificate, and that `:authority` or `Host` says */
  readonly host: string
  readonly port: number
  /** over TLS whose certificate was verified: nothing of a credential goes anywhere else */
  readonly secure: boolean
  /** origin form, with the query */
  readonly target: string
  /** in order, as they go on */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** whether its path, or another, in its one spelling, fits one of these patterns */
  readonly pathFits: (patterns: readonly string[], other?: string) => boolean
}

export type Pairs = readonly (readonly [string, string])[]

export function splitTarget(target: string): { path: string; query: string | null } {
  const at = target.indexOf('?')
  return at === -1
    ? { path: target, query: null }
    : { path: target.slice(0, at), query: target.slice(at + 1) }
}

/** Keys and values as they are written, undecoded; a key without `=` has no value. */
export function rawQuery(query: string | null): readonly (readonly [key: string, value: string | null])[] {
  if (query === null || query === '') return []
  return query.split('&').map((part) => {
    const at = part.indexOf('=')
    return at === -1 ? [part, null] : [part.slice(0, at), part.slice(at + 1)]
  })
}

/** As forms are read: `+` is a space; `null` where an escape is none. */
export function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return null
  }
}

/** What a header's name is to servers that have headers in variables: `X_Key` is `X-Key`. */
export function plainName(name: string): string {
  return name.toLowerCase().replaceAll('_', '-')
}

/** Of one name in all its spellings. */
export function withoutAnySpelling(headers: Pairs, name: string): Pairs {
  return headers.filter(([each]) => plainName(each) !== plainName(name))
}

export function without(headers: Pairs, name: string): Pairs {
  return headers.filter(([each]) => each.toLowerCase() !== name)
}
