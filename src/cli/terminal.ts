/**
 * What Glovebox itself says to a person. Names in it may come from a job or a policy: nothing but plain text and line ends
 * reaches the terminal.
 */
import { GloveboxError, visible, visibleJson, visibleLines } from '../errors/index.js'

export function say(text: string): void {
  process.stderr.write(
    `${visibleLines(text)
      .split('\n')
      .map((line) => `glovebox: ${line}`)
      .join('\n')}\n`,
  )
}

export function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.map(visible).join('\n')}\n`)
}

/** For programs, of which a person's terminal may be one. */
export function printJson(value: unknown, indent?: number): void {
  process.stdout.write(`${visibleJson(value, indent)}\n`)
}

/** The sentence for an error that was meant to be thrown; anything else is a bug and is passed on. */
export function sentence(error: unknown): string {
  if (error instanceof GloveboxError) return error.message
  throw error
}
