import type { CredentialPolicy } from '../policy/index.js'
import { Lease, type LeaseEnd, type LeaseState } from './lease.js'
import { secretKeyPlaceholder } from './placeholder.js'
import { Needles } from './scan/scanner.js'
import { type Pattern, SHORTEST_VALUE, wrappingsOf } from './scan/wrappings.js'
import type { Secret } from './secret.js'
import { type AwsKeys, passwordOf } from './value.js'

/** What the gateway knows of a credential: all but where its value is from. Plain data. */
export type CredentialGrant = Omit<CredentialPolicy, 'source'>

export type Material =
  | { readonly kind: 'value'; readonly value: Secret }
  | { readonly kind: 'aws'; readonly keys: AwsKeys }

/** One credential in one sandbox, from its issue on. */
export interface Held {
  readonly grant: CredentialGrant
  readonly placeholder: string
  readonly lease: Lease
  /** of this moment: it may be renewed */
  material: Material
}

export interface Issue {
  readonly grant: CredentialGrant
  readonly placeholder: string
  readonly material: Material
  /** monotonic, ms; when the value itself expires */
  readonly expiresAt: number | null
}

/** What scanners look for: real values, of leases that live and that ended, and placeholders. */
export interface Watched {
  /** in requests */
  readonly all: Needles
  /** in responses */
  readonly values: Needles
}

const PLACEHOLDER = 'placeholder '
const SECRET_KEY = 'secret key '

/** So many values of one credential are recognised: the one that it has, and those before. */
export const MOST_VALUES = 16

/** The credentials of one sandbox. */
export class HeldCredentials {
  readonly all: readonly Held[]
  /** of this moment: whoever looks through a stream looks again */
  watched: Watched
  /** the oldest first: one entry for each value that a credential had */
  #values: readonly (readonly Pattern[])[]
  readonly #placeholders: readonly Pattern[]
  /** names of those that end, in the call that ends them */
  onEnd: (name: string, by: LeaseEnd) => void = () => {}

  constructor(issues: readonly Issue[], now: number) {
    this.all = issues.map((issue) => {
      const held: Held = { ...issue, lease: this.#lease(issue, now, () => drop(held.material)) }
      return held
    })
    this.#values = issues.map(({ grant, material }) => patternsOf(grant, material))
    this.#placeholders = issues.flatMap(({ grant: { name, use }, placeholder }) => [
      ...wrappingsOf(PLACEHOLDER + name, placeholder),
      ...(use.kind === 'aws-sigv4' ? wrappingsOf(SECRET_KEY + name, secretKeyPlaceholder(placeholder)) : []),
    ])
    this.watched = this.#watch()
  }

  find(name: string): Held | undefined {
    return this.all.find(({ grant }) => grant.name === name)
  }

  /** @returns whether there is such a credential */
  revoke(name: string, now: number): boolean {
    const held = this.find(name)
    held?.lease.end('revoked', now)
    return held !== undefined
  }

  /**
   * Gives a credential another value; its lease goes on. The one before is dropped, and still recognised, as that of an ended lease is.
   * @param expiresAt as in {@link Issue}
   */
  renew(name: string, material: Material, expiresAt: number | null) {
    const held = this.find(name)
    if (held === undefined) return drop(material)
    this.#learn(held.grant, material)
    this.watched = this.#watch()
    if (held.lease.state.ended !== null) return drop(material)
    drop(held.material)
    held.material = material
    held.lease.renewed(expiresAt)
  }

  endAll(by: 'sandbox' | 'gateway', now: number): void {
    for (const { lease } of this.all) lease.end(by, now)
  }

  states(now: number): readonly LeaseState[] {
    return this.all.map(({ lease }) => {
      lease.look(now)
      return lease.state
    })
  }

  /** The next moment at which time ends a lease, and that is to be looked at then; `null`: none. */
  nextEnd(): number | null {
    const times = this.all.flatMap(({ lease }) =>
      lease.state.ended === null ? (lease.deadline?.at ?? []) : [],
    )
    return times.length === 0 ? null : Math.min(...times)
  }

  /** A file that is written each second would otherwise have a day's values looked for in every byte. */
  #learn(grant: CredentialGrant, material: Material): void {
    const own = this.#values.filter((patterns) => patterns[0]?.name === grant.name)
    const forgotten = own.slice(0, Math.max(0, own.length + 1 - MOST_VALUES))
    this.#values = [
      ...this.#values.filter((patterns) => !forgotten.includes(patterns)),
      patternsOf(grant, material),
    ]
  }

  #watch(): Watched {
    const values = this.#values.flat()
    return { all: new Needles([...values, ...this.#placeholders]), values: new Needles(values) }
  }

  #lease({ grant, expiresAt }: Issue, issuedAt: number, forget: () => void): Lease {
    const { name, ttlMs, uses } = grant
    return new Lease({ name, issuedAt, ttlMs, uses, expiresAt }, (lease) => {
      forget()
      this.onEnd(name, lease.state.ended ?? 'sandbox')
    })
  }
}

/** Whose pattern it is. */
export interface Whose {
  readonly name: string
  /** not of its value, but of what stands for it */
  readonly placeholder: boolean
  /** it stands for a key to sign with, which no request has */
  readonly nowhere: boolean
}

/** From the name of a pattern. */
export function whose(name: string): Whose {
  const prefix = [PLACEHOLDER, SECRET_KEY].find((each) => name.startsWith(each)) ?? ''
  return { name: name.slice(prefix.length), placeholder: prefix !== '', nowhere: prefix === SECRET_KEY }
}

function secretsOf(material: Material): readonly Secret[] {
  if (material.kind === 'value') return [material.value]
  const { secret, sessionToken } = material.keys
  return sessionToken === null ? [secret] : [secret, sessionToken]
}

/** What of a credential nobody but its hosts may see, each text by itself: of a pair for Basic also the password. */
export function secretTexts({ use }: Pick<CredentialGrant, 'use'>, material: Material): readonly string[] {
  const whole = secretsOf(material).map((secret) => secret.reveal() ?? '')
  if (use.kind !== 'basic' || use.user !== null) return whole
  const passwords = whole.flatMap((pair) => passwordOf(pair) ?? [])
  // a shorter one is refused where its source is read
  return [...whole, ...passwords.filter(({ length }) => length >= SHORTEST_VALUE)]
}

function patternsOf(grant: CredentialGrant, material: Material): Pattern[] {
  return secretTexts(grant, material).flatMap((text) => wrappingsOf(grant.name, text))
}

function drop(material: Material): void {
  for (const secret of secretsOf(material)) secret.drop()
}

/** What the job's variables hold. Keys of AWS are worth nothing, and of the form that SDKs check. */
export function placeholderVariables(
  grant: CredentialGrant,
  placeholder: string,
): Readonly<Record<string, string>> {
  return grant.use.kind === 'aws-sigv4'
    ? {
        [`${grant.name}_ACCESS_KEY_ID`]: placeholder,
        [`${grant.name}_SECRET_ACCESS_KEY`]: secretKeyPlaceholder(placeholder),
      }
    : { [grant.name]: placeholder }
}
