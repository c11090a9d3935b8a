/** What is spoken inside TLS that is looked into: HTTP, in the version that both the job and the host speak. */

export type Spoken = 'h2' | 'http/1.1'

/** Of a ClientHello that was judged. */
export interface HelloSaid {
  readonly protocols: readonly string[]
}

/**
 * What the host is offered: what the job offers, in its order, and that is read here. Nobody is spoken to in another version than the
 * other side, so there is nothing to translate, and nothing to be lost or smuggled by it. Empty: nothing that is read here.
 */
export function offered({ protocols }: HelloSaid): Spoken[] {
  if (protocols.length === 0) return ['http/1.1']
  return protocols.filter((each) => each === 'h2' || each === 'http/1.1')
}

/** RFC 7301: a server that says nothing speaks what it did before there was anything to say. */
export function spoken(alpn: string | false | null): Spoken {
  return alpn === 'h2' ? 'h2' : 'http/1.1'
}
