import { canonicalPolicy } from './canonical.js'
import { enforceCeiling } from './ceiling.js'
import { resolveHostPath } from './host-path.js'
import { quickly } from './json-source.js'
import { type LoadOptions, readSource } from './load.js'
import { type Fault, type Path, Places, type Written } from './places.js'
import type { Policy } from './policy.js'
import { show } from './quote.js'

/** The raw text of the flags that change a policy. A missing flag is absent, `undefined` or an empty list. */
export interface PolicyFlags {
  readonly policy?: string | undefined
  readonly boundary?: string | undefined
  readonly root?: string | undefined
  readonly read?: readonly string[] | undefined
  readonly write?: readonly string[] | undefined
  readonly env?: readonly string[] | undefined
  readonly workdir?: string | undefined
  readonly allowHost?: readonly string[] | undefined
  readonly allowPublic?: boolean | undefined
  readonly secret?: readonly string[] | undefined
  readonly deadline?: string | undefined
  readonly noOutput?: string | undefined
  readonly memory?: string | undefined
  readonly cpus?: string | undefined
  readonly processes?: string | undefined
  readonly maxOutput?: string | undefined
  readonly openFiles?: string | undefined
  readonly scratch?: string | undefined
  readonly waive?: readonly string[] | undefined
}

export interface FlagOptions extends LoadOptions {
  /** folder that relative paths in flags start from */
  readonly cwd: string
  /** where `--env NAME` copies from */
  readonly callerEnv: Readonly<Record<string, string | undefined>>
}

/**
 * The policy of a command line: the file or profile, then the flags over it. A flag with one value replaces the
 * file's; a repeatable one adds. All is checked once, and a problem in a flag names the flag.
 * @throws PolicyError with every problem, the file's first
 */
export function policyFromFlags(flags: PolicyFlags, options: FlagOptions): Policy {
  return quickly((quick) => {
    const written = overlay(flags, options, quick)
    const policy = canonicalPolicy(written, options.resolveHostPath ?? resolveHostPath)
    enforceCeiling(policy, written.places, options)
    return policy
  })
}

/** Flags with one value, in the order of the help text. */
const SCALARS = [
  ['boundary', '--boundary', ['boundary']],
  ['root', '--root', ['root']],
  ['workdir', '--workdir', ['workdir']],
  ['deadline', '--deadline', ['lifetime', 'deadline']],
  ['noOutput', '--no-output', ['lifetime', 'noOutput']],
  ['memory', '--memory', ['limits', 'memory']],
  ['cpus', '--cpus', ['limits', 'cpus']],
  ['processes', '--processes', ['limits', 'processes']],
  ['maxOutput', '--max-output', ['limits', 'output']],
  ['scratch', '--scratch', ['limits', 'scratch']],
  ['openFiles', '--open-files', ['limits', 'openFiles']],
] as const

const NUMBERS: ReadonlySet<string> = new Set(['cpus', 'processes', 'openFiles'])

const LISTS = [
  ['read', '--read', ['files', 'read']],
  ['write', '--write', ['files', 'write']],
  ['allowHost', '--allow-host', ['network', 'allow']],
  ['waive', '--waive', ['waive']],
] as const

function overlay(flags: PolicyFlags, options: FlagOptions, quick: boolean): Written {
  const over = new Overlay(
    flags.policy === undefined ? none(options) : readSource(flags.policy, options, quick),
    options,
  )
  for (const [key, flag, path] of SCALARS) {
    const text = flags[key]
    if (text !== undefined) over.set(flag, path, NUMBERS.has(key) ? numeric(text) : text)
  }
  for (const [key, flag, path] of LISTS) for (const text of flags[key] ?? []) over.append(flag, path, text)
  for (const text of flags.env ?? []) over.variable(text)
  if (flags.allowPublic === true) over.setAbsent('--allow-public', ['network', 'public'])
  for (const text of flags.secret ?? []) over.secret(text)
  return over.written
}

function none(options: FlagOptions): Written {
  const whole = { source: '', line: null, column: null, order: 0, base: options.cwd }
  return { value: Object.assign(Object.create(null), { version: 1 }), places: new Places(whole) }
}

/** `1` and `0.5` are numbers; what is no number stays text, and the schema refuses it as written. */
function numeric(text: string): number | string {
  return /^\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : text
}

type Map = Record<string, unknown>

/** Writes flags over a policy. What is not the map or list it should be stays: its own problem is reported. */
class Overlay {
  readonly written: Written
  readonly #faults: Fault[] = []
  readonly #options: FlagOptions
  #count = 0

  constructor(under: Written, options: FlagOptions) {
    this.written = { ...under, faults: this.#faults }
    this.#options = options
  }

  set(flag: string, path: Path, value: unknown): void {
    const key = String(path.at(-1))
    const parent = this.#map(flag, path.slice(0, -1))
    if (parent === null) return
    parent[key] = value
    this.written.places.set(path, this.#place(flag))
  }

  setAbsent(flag: string, path: Path): void {
    if (!this.written.places.has(path)) this.set(flag, path, Object.create(null))
  }

  append(flag: string, path: Path, value: string): void {
    const key = String(path.at(-1))
    const parent = this.#map(flag, path.slice(0, -1))
    if (parent === null) return
    if (!Object.hasOwn(parent, key)) {
      parent[key] = []
      this.written.places.set(path, this.#place(flag))
    }
    const list = parent[key]
    if (!Array.isArray(list)) return
    this.written.places.set([...path, list.length], this.#place(flag))
    list.push(value)
  }

  /** `NAME=VALUE`, or `NAME` to copy this one variable. */
  variable(text: string): void {
    const equals = text.indexOf('=')
    const name = equals < 0 ? text : text.slice(0, equals)
    const copied = Object.hasOwn(this.#options.callerEnv, name) ? this.#options.callerEnv[name] : undefined
    const value = equals < 0 ? copied : text.slice(equals + 1)
    if (value !== undefined) {
      this.set('--env', ['env', name], value)
      return
    }
    const what = `${show(name)} is not set here, so it can't be copied.`
    const advice = 'Set it, or write --env NAME=VALUE.'
    this.#faults.push({
      code: 'policy.unsetVariable',
      path: ['env', name],
      place: this.#place('--env'),
      what,
      advice,
    })
  }

  /** `NAME@HOST[,HOST]`: this process's own `NAME`, where the job writes its placeholder. */
  secret(text: string): void {
    const [, name = '', hosts = ''] = /^([^@]*)@(.*)$/s.exec(text) ?? []
    if (name !== '' && hosts !== '') {
      const value = { source: { env: name }, hosts: hosts.split(','), use: 'placeholder' }
      this.set('--secret', ['credentials', name], value)
      return
    }
    const what = `${show(text)} does not say which variable goes to which host.`
    const advice = 'Write --secret NAME@HOST.'
    const path = ['credentials']
    this.#faults.push({ code: 'policy.badValue', path, place: this.#place('--secret'), what, advice })
  }

  #place(source: string) {
    const order = Number.MAX_SAFE_INTEGER - 1_000_000 + this.#count++
    return { source, line: null, column: null, order, base: this.#options.cwd }
  }

  /** The map at this path, made when absent; `null` when something else stands there. */
  #map(flag: string, path: Path): Map | null {
    let at = this.written.value
    for (const [i, step] of path.entries()) {
      if (!isMap(at)) return null
      if (!Object.hasOwn(at, step)) {
        at[step] = Object.create(null)
        this.written.places.set(path.slice(0, i + 1), this.#place(flag))
      }
      at = at[step]
    }
    return isMap(at) ? at : null
  }
}

function isMap(value: unknown): value is Map {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
