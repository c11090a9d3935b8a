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
  /** told all that a source gave, right or wrong, so that nothing of it is ever said */
  readonly heard?: (name: string, text: string) => void
}

/** A value as text, and whence, for sentences. */
export interface Given {
  readonly text: string
  readonly from: string
  /** of a file: which it was, with which contents */
  readonly stamp?: string
}

/** What a source gives may be a little longer than the longest value, which is then named as too long. Bytes. */
export const MOST_GIVEN = 64 * 1024

/** How far two clocks may be apart, ms. */
export const SKEW_MS = 30_000
