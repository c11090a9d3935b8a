/**
 * What Glovebox itself says to a person. Names in it may come from a job or a policy: nothing but plain text and line ends
 * reaches the terminal.
 */
import { GloveboxError } from '../errors/index.js'

export function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, '\ufffd')
}

export function say(text: string): void {
  process.stderr.write(
    `${plain(text)
      .split('\n')
      .map((line) => `glovebox: ${line}`)
      .join('\n')}\n`,
  )
}

export function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.map(plain).join('\n')}\n`)
}

/** The sentence for an error that was meant to be thrown; anything else is a bug and is passed on. */
export function sentence(error: unknown): string {
  if (error instanceof GloveboxError) return error.message
  throw error
}
