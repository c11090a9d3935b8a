/** Values that a caller gave with its run, `secrets`, kept out of texts before anything else of a run is there. Pure. */

export type GivenValues = Readonly<Record<string, string>>

/** A shorter one is no value, and could not be told from ordinary text. */
const SHORTEST = 8

/** As they stand, in no wrapping: what finds those is loaded for a run that has begun. */
export function withoutGiven(text: string, secrets: GivenValues): string {
  return Object.entries(secrets)
    .filter(([, value]) => typeof value === 'string' && value.length >= SHORTEST)
    .reduce((left, [name, value]) => left.replaceAll(value, () => `[secret ${name}]`), text)
}

/** What an error says, in place. */
export function redactError(error: unknown, redact: (text: string) => string): unknown {
  if (!(error instanceof Error)) return error
  const { stack } = error
  error.message = redact(error.message)
  if (stack !== undefined) error.stack = redact(stack)
  return error
}
