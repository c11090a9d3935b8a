/** The network around a probe: who is in it, what they show and answer, and what of the attempts reached them. */

/**
 * The network that sandboxes and controls are in: this host, and one machine that plays every other. Whatever is sent to either is
 * answered `CANARY far|host ADDRESS PORT .`, with the destination as it was meant.
 */
export interface World {
  /** a name server, that answers as the scene says */
  readonly resolver: string
  /** IPv4 and IPv6: datagrams to them are answered with the canary, at this port */
  readonly echoes: readonly [string, string]
  readonly echoPort: number
  /** addresses of this host besides loopback's */
  readonly own: readonly string[]
  /** something of this host listens at the port, on all its addresses, loopback included */
  service(port: number): Promise<void>
  /** `play`, with names that are answered so, while no other scene is played; `secure`: every other machine speaks TLS, too */
  scene<T>(zone: Zone, play: (seen: Seen) => Promise<T>, secure?: SecureScene): Promise<T>
  /** common name of the authority that hosts of the world are believed by, in this verification alone */
  readonly authority: string
}

/**
 * What a host shows of itself: a certificate for its name; for another's; none that counts any more; one that an authority signed that
 * nobody knows; or one with its name where names have not counted since RFC 6125.
 */
export type ShownCertificate = 'good' | 'otherName' | 'old' | 'unknownAuthority' | 'commonName'

export interface SecureScene {
  readonly shows: ShownCertificate
  readonly answer: (request: SeenRequest) => ClearAnswer
}

/** Inside TLS. */
export interface SeenRequest {
  readonly authority: string
  readonly method: string
  readonly path: string
  /** lower-case names */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** the first 64 KiB */
  readonly body: Buffer
  readonly bytes: number
  /** it came to its end */
  readonly whole: boolean
}

export interface ClearAnswer {
  readonly headers?: readonly (readonly [name: string, value: string])[]
  /** of the body, each sent by itself */
  readonly pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>
}

/**
 * What questions for a name are answered with, in turn; the last one stays. An address counts for questions of its own type;
 * `=other.test` is a CNAME. Every other name has an address of each family that is public.
 */
export type Zone = Readonly<Record<string, readonly (readonly string[])[]>>

/** What of a scene reached the world. */
export interface Seen {
  readonly connections: readonly {
    readonly side: 'far' | 'host'
    readonly address: string
    readonly port: number
    /** how many came */
    readonly bytes: number
    /** the first of them */
    readonly begun: Buffer
  }[]
  readonly questions: readonly { readonly name: string; readonly type: number }[]
  /** in a secure scene */
  readonly requests: readonly SeenRequest[]
}
