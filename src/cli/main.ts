/** The command line. Importing it runs nothing; `main` returns the exit code. */
import { visible } from '../errors/index.js'
import { nearest } from '../spelling/index.js'
import { type CommandEntry, parseFlags, WrongUsage } from './flags.js'
import { helpFor, OVERVIEW } from './help.js'
import { POLICY_COMMAND_FLAGS, policy } from './policy.js'
import { RUN_FLAGS, run } from './run.js'
import { print, say, sentence } from './terminal.js'
import { VERSION } from './version.js'

/** What a run does not need is loaded when it is asked for: each a script of its own, see scripts/build/cli.mjs. */
const COMMANDS: Readonly<Record<string, () => CommandEntry | Promise<CommandEntry>>> = {
  run: () => ({ flags: RUN_FLAGS, act: run, wrong: 125 }),
  explain: async () => (await import('./explain.js')).EXPLAIN,
  verify: async () => (await import('./verify.js')).VERIFY,
  doctor: async () => (await import('./doctor.js')).DOCTOR,
  image: async () => (await import('./image.js')).IMAGE,
  policy: () => ({ flags: POLICY_COMMAND_FLAGS, act: policy, wrong: 2 }),
}

export async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    print(OVERVIEW)
    return name === undefined ? 2 : 0
  }
  if (name === '--version') {
    print([VERSION])
    return 0
  }
  const command = Object.hasOwn(COMMANDS, name) ? await COMMANDS[name]?.() : undefined
  if (command === undefined) {
    say(unknownCommand(argv))
    return 2
  }
  try {
    const parsed = parseFlags(rest, command.flags)
    if (parsed.flags.has('--help')) {
      print(helpFor(name, command.flags))
      return 0
    }
    return await command.act(parsed)
  } catch (error) {
    if (error instanceof WrongUsage) say(`${error.message}\n"glovebox ${name} --help" shows all flags.`)
    else say(sentence(error))
    return command.wrong
  }
}

function unknownCommand([name = '', ...rest]: readonly string[]): string {
  const near = nearest(name, [...Object.keys(COMMANDS), '--help', '--version'])
  const hint = near === null ? '' : ` Did you mean "${near}"?`
  // `glovebox -- id`, `glovebox --memory 1GiB -- id`: only the word `run` is missing
  const words = name.startsWith('-') ? [name, ...rest.slice(0, 1)] : ['--', name]
  return `There is no command ${JSON.stringify(name)}.${hint} To run a program: glovebox run ${visible(words.join(' '))} ….\n"glovebox --help" shows all commands.`
}

/** The ways that most calls take, for the build's code cache; starts nothing. */
export async function warm(): Promise<void> {
  const { EXPLAIN } = await import('./explain.js')
  const flags = ['--policy', 'imagemagick', '--memory', '64MiB', '--allow-host', '*.example.test']
  // explained whether or not this host has the program
  for (const boundary of ['process', 'runc', 'gvisor'])
    await EXPLAIN.act(parseFlags([...flags, '--boundary', boundary, '--', 'true'], RUN_FLAGS))
}
