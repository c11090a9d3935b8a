import { resolve } from 'node:path'
import { parseDuration } from '../units/index.js'
import * as bounds from './bounds.js'
import {
  type AssumeRoleSource,
  type CredentialSource,
  type ExchangeSource,
  type PlainSource,
  SESSION_POLICY_LENGTH,
  sessionPolicy,
} from './credential-policy.js'
import { pathFault } from './paths.js'
import type { Path, Places } from './places.js'
import type { Problems } from './problems.js'
import { show } from './quote.js'
import type { PolicyDocument } from './schema.js'

type WrittenSource = NonNullable<PolicyDocument['credentials']>[string]['source']
type WrittenMap = Exclude<WrittenSource, 'caller'>
type WrittenPlain = 'caller' | Omit<WrittenMap, 'exchange' | 'assumeRole'>

interface Context {
  readonly places: Places
  readonly problems: Problems
}

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const KINDS = ['env', 'file', 'command', 'exchange', 'assumeRole'] as const

/** The source of a value; `null` when something in it is wrong. Its shape was checked. */
export function readSource(written: WrittenSource, path: Path, context: Context): CredentialSource | null {
  if (written === 'caller') return { kind: 'caller' }
  if (!oneKind(written, KINDS, path, context)) return null
  if (written.exchange !== undefined) return exchange(written.exchange, [...path, 'exchange'], context)
  if (written.assumeRole !== undefined)
    return assumeRole(written.assumeRole, [...path, 'assumeRole'], context)
  return plain(written, path, context)
}

/** Exactly one of the kinds, and the keys that go with it: two sources would be one that nobody reviewed. */
function oneKind(
  written: WrittenMap,
  kinds: readonly (typeof KINDS)[number][],
  path: Path,
  { problems }: Context,
) {
  const [first, second] = kinds.filter((kind) => written[kind] !== undefined)
  if (first === undefined) {
    problems.add(
      'policy.badValue',
      path,
      'says not where the value is from.',
      'Write {env: NAME}, for example.',
    )
    return false
  }
  if (second !== undefined) {
    problems.addKey(
      'policy.contradiction',
      [...path, second],
      `is a second source, besides ${first}.`,
      'Keep one.',
    )
    return false
  }
  const stray =
    written.shared !== undefined && first !== 'file'
      ? 'shared'
      : written.timeout !== undefined && first !== 'command'
        ? 'timeout'
        : null
  if (stray === null) return true
  const owner = stray === 'shared' ? 'file' : 'command'
  problems.addKey(
    'policy.contradiction',
    [...path, stray],
    `goes with ${owner}, not with ${first}.`,
    'Remove the key.',
  )
  return false
}

function plainSource(written: WrittenPlain, path: Path, context: Context): PlainSource | null {
  if (written === 'caller') return { kind: 'caller' }
  return oneKind(written, ['env', 'file', 'command'], path, context) ? plain(written, path, context) : null
}

function plain(written: Exclude<WrittenPlain, 'caller'>, path: Path, context: Context): PlainSource | null {
  if (written.env !== undefined) return { kind: 'env', variable: written.env }
  if (written.file !== undefined) {
    const at = [...path, 'file']
    const fault = pathFault(written.file)
    if (fault !== null) {
      const advice = 'Write a path on the host such as /run/secrets/token.'
      context.problems.add('policy.badHostPath', at, `${show(written.file)} ${fault}`, advice)
      return null
    }
    const { base } = context.places.of(at)
    return { kind: 'file', path: resolve(base, written.file), shared: written.shared ?? false }
  }
  const [program, ...args] = written.command ?? []
  if (program === undefined) return null
  const timeoutMs = parseDuration(written.timeout ?? bounds.COMMAND_TIMEOUT.initial) ?? 0
  return commandFault([program, ...args], [...path, 'command'], context)
    ? null
    : { kind: 'command', argv: [program, ...args], timeoutMs }
}

function commandFault(argv: readonly string[], path: Path, { problems }: Context): boolean {
  for (const [i, word] of argv.entries()) {
    const what = word.includes('\0')
      ? 'contains NUL.'
      : i === 0 && !word.startsWith('/')
        ? 'is not an absolute path.'
        : null
    if (what === null) continue
    // which of several programs of that name it is would be for PATH to say, and PATH is nowhere reviewed
    problems.add(
      'policy.badValue',
      [...path, i],
      `${show(word)} ${what}`,
      'Write the program as /usr/bin/NAME.',
    )
    return true
  }
  return false
}

/** What carries a secret over a network: TLS, but to this machine itself. */
function url(text: string, path: Path, { problems }: Context): string | null {
  const parsed = URL.canParse(text) ? new URL(text) : null
  const local = parsed?.protocol === 'http:' && ['127.0.0.1', '[::1]'].includes(parsed.hostname)
  const fault =
    parsed === null
      ? 'is not a URL.'
      : parsed.username !== '' || parsed.password !== '' || parsed.hash !== ''
        ? 'has a user or a fragment.'
        : parsed.protocol === 'https:' || local
          ? null
          : 'is not https.'
  if (parsed !== null && fault === null) return parsed.href
  problems.add(
    'policy.badValue',
    path,
    `${show(text)} ${fault}`,
    'Write a URL such as https://id.example.com/token.',
  )
  return null
}

function optionalUrl(text: string | undefined, path: Path, context: Context): string | null {
  return text === undefined ? null : url(text, path, context)
}

function exchange(
  written: NonNullable<WrittenMap['exchange']>,
  path: Path,
  context: Context,
): ExchangeSource | null {
  const endpoint = url(written.endpoint, [...path, 'endpoint'], context)
  const subject = plainSource(written.subject, [...path, 'subject'], context)
  const at = [...path, 'client', 'secret']
  const secret = written.client.secret === undefined ? null : plainSource(written.client.secret, at, context)
  if (secret?.kind === 'caller' && subject?.kind === 'caller') {
    const advice = 'Write {env: NAME} or {file: PATH} for one of them.'
    context.problems.add(
      'policy.contradiction',
      at,
      'is the value given with the run, and so is subject.',
      advice,
    )
  }
  const revocation = optionalUrl(written.revocation, [...path, 'revocation'], context)
  if (endpoint === null || subject === null || context.problems.within(path)) return null
  return {
    kind: 'exchange',
    endpoint,
    subject,
    subjectType: written.subjectType ?? ACCESS_TOKEN,
    audience: written.audience ?? null,
    resource: written.resource ?? null,
    scope: written.scope ?? null,
    client: { id: written.client.id, secret },
    revocation,
  }
}

function assumeRole(
  written: NonNullable<WrittenMap['assumeRole']>,
  path: Path,
  context: Context,
): AssumeRoleSource | null {
  const using = plainSource(written.using ?? { env: 'AWS' }, [...path, 'using'], context)
  const endpoint = optionalUrl(written.endpoint, [...path, 'endpoint'], context)
  const bounded = { actions: unique(written.actions), resources: unique(written.resources) }
  const { length } = sessionPolicy(bounded)
  if (length > SESSION_POLICY_LENGTH) {
    const what = `makes a session policy of ${length} characters; STS takes ${SESSION_POLICY_LENGTH}.`
    context.problems.add('policy.badValue', path, what, 'Write fewer or shorter actions and resources.')
  }
  if (using === null || context.problems.within(path)) return null
  return {
    kind: 'assumeRole',
    role: written.role,
    ...bounded,
    region: written.region,
    using,
    externalId: written.externalId ?? null,
    endpoint,
    durationMs: parseDuration(written.duration ?? bounds.ASSUME_ROLE_DURATION.initial) ?? 0,
  }
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort()
}
