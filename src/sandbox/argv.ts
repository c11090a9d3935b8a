import { UsageError } from '../errors/index.js'

/** execve(2), MAX_ARG_STRLEN: with its NUL an argument is at most 32 pages */
const MAX_ARGUMENT_BYTES = 128 * 1024

/**
 * The command as execve(2) takes it.
 * @throws UsageError for none, and for an argument that Linux does not pass
 */
export function checkedArgv(argv: readonly string[]): readonly [string, ...string[]] {
  if (!Array.isArray(argv) || !argv.every((item) => typeof item === 'string'))
    throw new UsageError(
      'argv.list',
      'A command is a list of texts: the program, and each of its arguments.',
      "Give an argv, e.g. ['ls', '-l'], or for a line of shell ['sh', '-c', line].",
    )
  const [command, ...rest] = argv
  if (command === undefined || command === '')
    throw new UsageError(
      'argv.empty',
      'There is no command to run.',
      "Give an argv, e.g. ['convert', 'in.png', 'out.webp'].",
    )
  if (argv.some((item) => item.includes('\0')))
    throw new UsageError('argv.nul', 'An argument of the command holds a NUL, which no argument can.')
  if (argv.some((item) => Buffer.byteLength(item) >= MAX_ARGUMENT_BYTES))
    throw new UsageError(
      'argv.tooLong',
      'An argument of the command is longer than 128 KiB, which Linux does not take.',
      'Pass the data as an input file or on stdin.',
    )
  return [command, ...rest]
}
