import { Readable } from 'node:stream'
import { type GivenValues, redactError, withoutGiven } from './given-values.js'
import type { Run } from './options.js'

/** An early mistake is a rejection too, never a throw. What its caller gave is kept out of texts as that of any other run. */
export function refusedRun(error: unknown, secrets: GivenValues): Run {
  let redact = (text: string) => withoutGiven(text, secrets)
  const rejected = async () => {
    // of a flood of refusals each is cheap
    if (Object.keys(secrets).length === 0) throw error
    const { KnownValues } = await import('./credentials/index.js')
    const known = new KnownValues()
    for (const [name, text] of Object.entries(secrets)) if (typeof text === 'string') known.heard(name, text)
    redact = (text) => known.redact(text)
    throw redactError(error, redact)
  }
  let [stdout, stderr]: [Readable | null, Readable | null] = [null, null]
  const run = Object.assign(rejected(), {
    resize: () => {},
    revoke: async () => {},
    redact: (text: string) => redact(text),
    knowsValues: () => false,
  })
  // nobody reads what there is none of, as a rule
  return Object.defineProperties<object>(run, {
    stdout: { enumerable: true, get: () => (stdout ??= Readable.from([])) },
    stderr: { enumerable: true, get: () => (stderr ??= Readable.from([])) },
  }) as Run
}
