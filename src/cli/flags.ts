/** The command line's own grammar: one table drives parsing, errors and help. Pure. */
import { nearest } from '../spelling/index.js'

export interface Flag {
  readonly name: string
  /** what the value looks like; absent: a switch */
  readonly value?: string
  readonly repeatable?: true
  readonly help: string
}

export interface Parsed {
  /** values in the order they were given; a switch has one empty value */
  readonly flags: ReadonlyMap<string, readonly string[]>
  /** words that are no flags, before `--` */
  readonly words: readonly string[]
  /** everything behind `--`; `null` when there was no `--` */
  readonly command: readonly string[] | null
}

/** A command of the command line. */
export interface CommandEntry {
  readonly flags: readonly Flag[]
  readonly act: (parsed: Parsed) => number | Promise<number>
  /** exit code of a call that means nothing */
  readonly wrong: number
}

/** What other tools call it. */
const ELSEWHERE = new Map([
  ['-e', '--env'],
  ['-i', '--tty'],
  ['-it', '--tty'],
  ['-t', '--tty'],
  ['--chdir', '--workdir'],
  ['-w', '--workdir'],
  ['--bind', '--write'],
  ['--ro-bind', '--read'],
  ['--mount', '--read'],
  ['-v', '--read'],
  ['--volume', '--read'],
  ['--net', '--allow-host'],
  ['--network', '--allow-host'],
  ['--profile', '--policy'],
  ['--timeout', '--deadline'],
  ['--time-limit', '--deadline'],
])

/** The caller wrote something that means nothing. */
export class WrongUsage extends Error {}

export function parseFlags(argv: readonly string[], table: readonly Flag[]): Parsed {
  const flags = new Map<string, string[]>()
  const words: string[] = []
  for (let at = 0; at < argv.length; at++) {
    const item = argv[at] ?? ''
    if (item === '--') return { flags, words, command: argv.slice(at + 1) }
    if (!item.startsWith('-') || item === '-') {
      words.push(item)
      continue
    }
    const equals = item.startsWith('--') ? item.indexOf('=') : -1
    const name = equals === -1 ? item : item.slice(0, equals)
    const flag = table.find((each) => each.name === name)
    if (flag === undefined) throw new WrongUsage(`${unknown(name, table)}${belongsBehind(words, table)}`)
    if (flag.value === undefined) {
      if (equals !== -1) throw new WrongUsage(`${name} takes no value.`)
      flags.set(name, [''])
      continue
    }
    const value = equals === -1 ? argv[++at] : item.slice(equals + 1)
    if (value === undefined || (equals === -1 && value === '--'))
      throw new WrongUsage(`${name} needs a value: ${name} ${flag.value}.`)
    const before = flags.get(name) ?? []
    if (before.length > 0 && flag.repeatable === undefined)
      throw new WrongUsage(`${name} is given twice; once is enough.`)
    flags.set(name, [...before, value])
  }
  return { flags, words, command: null }
}

function unknown(name: string, table: readonly Flag[]): string {
  const names = table.map((flag) => flag.name)
  const elsewhere = ELSEWHERE.get(name)
  const near = elsewhere !== undefined && names.includes(elsewhere) ? elsewhere : nearest(name, names)
  return `There is no flag ${JSON.stringify(name)}.${near === null ? '' : ` Did you mean ${near}?`}`
}

/** `run ls -la`: the flag is the command's own. */
function belongsBehind([command]: readonly string[], table: readonly Flag[]): string {
  return command !== undefined && table.some(({ name }) => name === '--policy')
    ? ` If it is a flag of ${JSON.stringify(command)}, write "--" before the command.`
    : ''
}

/** Two columns, as `--help` shows them. */
export function flagLines(table: readonly Flag[]): string[] {
  const left = table.map(({ name, value }) => (value === undefined ? name : `${name} ${value}`))
  const width = Math.max(...left.map((text) => text.length))
  return table.map(({ help, repeatable }, index) => {
    const more = repeatable ? ' (repeatable)' : ''
    return `  ${(left[index] ?? '').padEnd(width)}  ${help}${more}`
  })
}
