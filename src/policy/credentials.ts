import { parseDuration } from '../units/index.js'
import * as bounds from './bounds.js'
import {
  type CredentialHost,
  type CredentialPolicy,
  type CredentialUse,
  SWAP_PLACES,
} from './credential-policy.js'
import { readSource } from './credential-source.js'
import { hostAndPort, patternCovers } from './host-pattern.js'
import { sorted } from './host-rule.js'
import { pathPatternFault } from './path-pattern.js'
import type { Path, Places } from './places.js'
import type { NetworkPolicy } from './policy.js'
import type { Problems } from './problems.js'
import { show } from './quote.js'
import type { PolicyDocument } from './schema.js'

type Written = NonNullable<PolicyDocument['credentials']>[string]

interface Context {
  readonly places: Places
  readonly problems: Problems
}

/** The section `credentials` in its canonical form, sorted by name. What is wrong in it is among the problems. */
export function readCredentials(section: unknown, context: Context): CredentialPolicy[] {
  if (typeof section !== 'object' || section === null || Array.isArray(section)) return []
  const { problems } = context
  const entries = Object.entries(section as NonNullable<PolicyDocument['credentials']>)
  if (entries.length > bounds.CREDENTIALS)
    problems.add(
      'policy.badValue',
      ['credentials'],
      'is too long.',
      `Write at most ${bounds.CREDENTIALS} entries.`,
    )
  const read = entries.flatMap(([name, written]) => {
    const path = ['credentials', name]
    // a legal name that would set a prototype in any code that copies the environment key by key
    if (name === '__proto__')
      problems.addKey('policy.unknownKey', path, '"__proto__" is not allowed.', 'Write another name.')
    return problems.within(path) ? [] : [credential(name, written, path, context)]
  })
  return read.filter((each) => each !== null).sort((a, b) => (a.name < b.name ? -1 : 1))
}

function credential(name: string, written: Written, path: Path, context: Context): CredentialPolicy | null {
  const { problems } = context
  const source = readSource(written.source, [...path, 'source'], context)
  const hosts = written.hosts.flatMap((text, i) => host(text, [...path, 'hosts', i], problems) ?? [])
  const use = readUse(written.use, [...path, 'use'], problems)
  for (const [i, pattern] of (written.paths ?? []).entries()) {
    const fault = pathPatternFault(pattern)
    if (fault === null) continue
    problems.add('policy.badValue', [...path, 'paths', i], `${show(pattern)} ${fault.what}`, fault.advice)
  }
  if (source?.kind === 'assumeRole' && use !== null && use.kind !== 'aws-sigv4') {
    const advice = 'Write {aws-sigv4: {region: eu-west-1, service: s3}}.'
    problems.add(
      'policy.contradiction',
      [...path, 'use'],
      'is no use for keys of AWS, which assumeRole gives.',
      advice,
    )
  }
  if (source?.kind === 'exchange' && use?.kind === 'aws-sigv4')
    problems.add('policy.contradiction', [...path, 'use'], 'is no use for a token.', 'Write bearer.')
  if (source === null || use === null || problems.within(path)) return null
  return {
    name,
    source,
    hosts: uniqueHosts(hosts),
    use,
    methods: sorted(written.methods),
    paths: sorted(written.paths),
    ttlMs: written.ttl === undefined ? null : parseDuration(written.ttl),
    uses: written.uses ?? null,
    onReflection: written.onReflection ?? 'cut',
  }
}

/** A certificate is verified against a name, so a credential is bound to names alone. */
function host(text: string, path: Path, problems: Problems): CredentialHost | null {
  const answer = hostAndPort(text)
  const fault =
    'what' in answer
      ? answer
      : answer.host.kind === 'name'
        ? null
        : { what: 'is not a name.', advice: 'Write each host by its name, such as api.example.com.' }
  if (fault !== null) problems.add('policy.badValue', path, `${show(text)} ${fault.what}`, fault.advice)
  return 'what' in answer || answer.host.kind !== 'name'
    ? null
    : { name: answer.host.name, port: answer.port ?? 443 }
}

function uniqueHosts(hosts: readonly CredentialHost[]): CredentialHost[] {
  const byText = new Map(hosts.map((each) => [hostText(each), each]))
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each)
}

/** As a policy spells it. */
export function hostText({ name, port }: CredentialHost): string {
  return port === 443 ? name : `${name}:${port}`
}

/** What would change where a request goes or ends, in place of who asks. */
const NO_HEADERS = new Set(
  'host content-length transfer-encoding connection upgrade te trailer expect keep-alive proxy-connection proxy-authorization'.split(
    ' ',
  ),
)

function readUse(written: Written['use'], path: Path, problems: Problems): CredentialUse | null {
  if (written === 'bearer') return { kind: 'bearer' }
  if (written === 'basic') return { kind: 'basic', user: null }
  if (written === 'placeholder') return { kind: 'placeholder', in: ['headers'] }
  const kinds = Object.keys(written).filter((key) => written[key as keyof typeof written] !== undefined)
  if (kinds.length !== 1) {
    const what = kinds.length === 0 ? 'says no use.' : `says ${kinds.length} uses.`
    problems.add('policy.badValue', path, what, 'Write one, such as {header: X-Api-Key}.')
    return null
  }
  if (written.basic !== undefined) return { kind: 'basic', user: written.basic.user }
  if (written.query !== undefined) return { kind: 'query', key: written.query }
  if (written.placeholder !== undefined) {
    const places = written.placeholder.in
    return { kind: 'placeholder', in: SWAP_PLACES.filter((each) => places.includes(each)) }
  }
  const aws = written['aws-sigv4']
  if (aws !== undefined) return { kind: 'aws-sigv4', ...aws, presigned: aws.presigned ?? false }
  const name = (written.header ?? '').toLowerCase()
  if (!NO_HEADERS.has(name)) return { kind: 'header', name }
  const what = `${show(name)} says where a request goes or ends.`
  problems.add(
    'policy.badValue',
    [...path, 'header'],
    what,
    'Write the header that the host reads a key from.',
  )
  return null
}

/** The variables inside that stand for a credential. */
export function variablesOf({ name, use }: Pick<CredentialPolicy, 'name' | 'use'>): string[] {
  return use.kind === 'aws-sigv4' ? [`${name}_ACCESS_KEY_ID`, `${name}_SECRET_ACCESS_KEY`] : [name]
}

/** A job with a placeholder in one of these would find no program, or take a number for its lock. */
const OWN_VARIABLES = ['PATH', 'HOME', 'GLOVEBOX_LOCK_FD']

/** What the section promises beside the other sections: hosts that can be reached over TLS, variables of its own. */
export function checkCredentials(
  credentials: readonly CredentialPolicy[],
  document: { readonly env?: unknown; readonly network: NetworkPolicy | null },
  problems: Problems,
): void {
  const taken = new Map<string, string>([
    ...OWN_VARIABLES.map((name) => [name, "the sandbox's own"] as const),
    ...Object.keys(document.env ?? {}).map((name) => [name, `env.${name}`] as const),
  ])
  for (const each of credentials) {
    const path = ['credentials', each.name]
    for (const variable of variablesOf(each)) {
      const other = taken.get(variable)
      taken.set(variable, `credentials.${each.name}`)
      if (other === undefined) continue
      const what = `its placeholder is in ${variable}, which is ${other} already.`
      problems.addKey('policy.contradiction', path, what, 'Give one of the two another name.')
    }
    for (const host of each.hosts) coverage(host, [...path, 'hosts'], document.network, problems)
  }
  for (const [i, later] of credentials.entries())
    for (const earlier of credentials.slice(0, i)) ambiguous(earlier, later, problems)
}

/** A credential opens no host: what may be reached stands in one place. */
function coverage(host: CredentialHost, path: Path, network: NetworkPolicy | null, problems: Problems): void {
  if (problems.within(['network'])) return
  const text = hostText(host)
  const pattern = { kind: 'name', name: host.name } as const
  const rules = (network?.allow ?? []).filter((rule) => patternCovers(rule.host, pattern))
  const ports = rules.flatMap((rule) => rule.ports).filter(({ port }) => port === host.port)
  const clear = ports.find(({ protocol }) => protocol !== 'tls')
  if (clear !== undefined)
    problems.add(
      'policy.contradiction',
      path,
      `${show(text)} is spoken to as ${clear.protocol} there, and a credential goes over TLS only.`,
      'Write protocol: tls in the rule, or another host.',
    )
  else if (ports.length === 0)
    problems.add(
      'policy.contradiction',
      path,
      `${show(text)} is allowed by no rule of the network.`,
      `Write - ${text} under network.allow, or --allow-host ${text}.`,
    )
}

/** Where a use puts the value; `null`: where the job wrote a placeholder, which tells credentials apart. */
function placeOf(use: CredentialUse): string | null {
  if (use.kind === 'bearer' || use.kind === 'basic') return 'header authorization'
  if (use.kind === 'header') return `header ${use.name}`
  return use.kind === 'query' ? `query ${use.key}` : null
}

/** Two values for one place of one request: which of them goes out would be chance. */
function ambiguous(earlier: CredentialPolicy, later: CredentialPolicy, problems: Problems): void {
  const place = placeOf(later.use)
  if (place === null || place !== placeOf(earlier.use)) return
  const host = later.hosts.find((each) => earlier.hosts.some((other) => hostText(other) === hostText(each)))
  if (host === undefined || !meet(earlier.methods, later.methods) || !meet(earlier.paths, later.paths)) return
  problems.addKey(
    'policy.contradiction',
    ['credentials', later.name],
    `goes into ${place} of requests to ${hostText(host)}, and so does credentials.${earlier.name}.`,
    'Give them different methods or paths.',
  )
}

function meet(a: readonly string[] | null, b: readonly string[] | null): boolean {
  return a === null || b === null || a.some((each) => b.includes(each))
}
