/** The plainest kind of probe: attempts that fail inside and succeed in the open. */
import type { Attempt, Bench, Open, Trial, Tried } from './probe.js'

export type Words = readonly [string, ...string[]]

export interface RefusedOptions {
  /** the attempts in the open, where they differ; default: the same */
  readonly control?: (bench: Bench) => readonly (Words | Attempt)[]
  /** default: beside the sandbox, as the caller */
  readonly where?: Open
  readonly unsafe?: string
  readonly alone?: true
}

/** Every attempt must fail inside; what they are may depend on the decoys. */
export function refused(
  attempts: (bench: Bench) => readonly (Words | Attempt)[],
  { control = attempts, where = 'caller', ...rest }: RefusedOptions = {},
): Trial {
  return {
    inside: async (bench) => (await bench.inside(attempts(bench).map(asAttempt))).tried,
    control: (bench): Promise<readonly Tried[]> => bench.open(control(bench).map(asAttempt), where),
    ...rest,
  }
}

/** With what it says that means that the claim is broken, if that is not `ok`. */
export function attempt(words: Words, reached?: Attempt['reached']): Attempt {
  return reached === undefined ? { words } : { words, reached }
}

/** One that hosts may refuse to everybody with these errors. */
export function unless(errors: readonly string[], words: Words, reached?: Attempt['reached']): Attempt {
  return { ...attempt(words, reached), lacking: ({ result }) => errors.includes(result) }
}

export function asAttempt(each: Words | Attempt): Attempt {
  return 'words' in each ? each : { words: each }
}
