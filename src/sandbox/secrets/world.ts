/** What the sources of values stand on; passed in, so that a test has its own. */
export interface SourceWorld {
  /** Glovebox's own environment */
  readonly env: Readonly<Record<string, string | undefined>>
  /** given with the run, by the credential's name */
  readonly secrets: Readonly<Record<string, string>>
  /** ms since 1970 */
  readonly now: () => number
  readonly fetch: typeof globalThis.fetch
  /** ends all waiting */
  readonly signal: AbortSignal
}

/** A value as text, and whence, for sentences. */
export interface Given {
  readonly text: string
  readonly from: string
}

/** What a source gives may be a little longer than the longest value, which is then named as too long. Bytes. */
export const MOST_GIVEN = 64 * 1024

/** How far two clocks may be apart, ms. */
export const SKEW_MS = 30_000
