import { held, type NetworkRule } from '../plan/index.js'
import { canonicalAuthority, canonicalWireName } from '../policy/index.js'
import {
  type Framing,
  type Header,
  type ReadHead,
  type RequestHead,
  readHead,
  type Scheme,
} from './http-head.js'
import { canonicalPath, pathMatches } from './http-path.js'
import type { Target } from './rules.js'
import type { Denial } from './verdicts.js'

/** The request as the gateway writes it, in its own words. */
export interface OutgoingRequest {
  readonly method: string
  /** origin form, or `*`; canonical where the rule has paths */
  readonly path: string
  /** in order, `Host` first; nothing that is for one hop only but what is needed: framing, and `Upgrade` where it is let by */
  readonly headers: readonly (readonly [name: string, value: string])[]
}

export interface RequestDenial {
  readonly verdict: Denial
  readonly status: number
  /** the rule that was looked at; `null`: it did not come to that */
  readonly rule: NetworkRule | null
}

export type RequestVerdict =
  | {
      readonly verdict: 'allow'
      readonly rule: NetworkRule
      readonly outgoing: OutgoingRequest
      /** the connection may become another protocol, if the host agrees */
      readonly upgrade: boolean
    }
  | RequestDenial

/** RFC 9110, 4.2 */
const DEFAULT_PORT: Readonly<Record<Scheme, number>> = { http: 80, https: 443 }

/** Says what else the request means to servers that believe it: a method or a path besides those that were looked at. */
export const OTHER_METHOD = ['x-http-method', 'x-http-method-override', 'x-method-override']
export const OTHER_PATH = ['x-original-url', 'x-rewrite-url']

/** To servers that have headers in variables, `X_Key` is `X-Key`. @param lower in lower case */
export function plainName(lower: string): string {
  return lower.replaceAll('_', '-')
}

/**
 * Whether a request of the job goes on, and as what. Of the rules that cover its host and port, the first that has its method and
 * path, and its upgrade if it wants one, decides.
 * @param head parsed, and otherwise as it was sent
 * @param scheme `https`: it came over TLS, and goes on so
 */
export function judgeRequest(
  head: RequestHead,
  target: Target,
  port: number,
  rules: readonly [NetworkRule, ...NetworkRule[]],
  scheme: Scheme = 'http',
): RequestVerdict {
  const deny = (verdict: Denial, status: number, rule: NetworkRule | null = null): RequestVerdict => ({
    verdict,
    status,
    rule,
  })
  const read = readHead(head, scheme)
  if ('status' in read) return deny('denyRequest', read.status)
  if (read.target.kind === 'connect') return deny('denyConnect', 405)
  if (!isForTarget(read, target, port)) return deny('denyHost', 403)

  // HTTP/2 would be free bytes; who offers it in the clear goes on without (RFC 9110, 7.8: a server may ignore it)
  const upgrade = read.upgrade.filter((protocol) => !/^h2c?(\/|$)/.test(protocol))
  if (upgrade.length > 0 && read.framing.kind !== 'none') return deny('denyRequest', 400)
  let denial: RequestVerdict | null = null
  for (const rule of rules) {
    const path = pathFor(rule, read)
    if (!hasMethod(rule, read)) denial ??= deny('denyMethod', 405, rule)
    else if (path === null) denial = nearer(denial, deny('denyPath', 403, rule))
    else if (upgrade.length > 0 && !rule.upgrade) denial = nearer(denial, deny('denyUpgrade', 403, rule))
    else return allow(rule, read, path, upgrade, hostLine(target, port, scheme))
  }
  return denial ?? deny('denyHost', 403)
}

/** Of several rules' denials, the one that came furthest tells most. */
function nearer(one: RequestVerdict | null, other: RequestVerdict): RequestVerdict {
  const far: Partial<Record<string, number>> = { denyMethod: 0, denyPath: 1, denyUpgrade: 2 }
  return one !== null && (far[one.verdict] ?? 0) >= (far[other.verdict] ?? 0) ? one : other
}

/** Exactly one Host, and with an absolute form that too: both are the host that the connection leads to, spelled any way. */
function isForTarget(read: ReadHead, target: Target, port: number): boolean {
  const hosts = read.headers.filter(({ lower }) => lower === 'host').map(({ value }) => value)
  const authorities = read.target.kind === 'absolute' ? [...hosts, read.target.authority] : hosts
  return hosts.length === 1 && authorities.every((authority) => isAuthorityOf(authority, target, port))
}

function isAuthorityOf(text: string, target: Target, port: number): boolean {
  const answer = canonicalAuthority(text, canonicalWireName)
  if ('what' in answer || (answer.port !== null && answer.port !== port)) return false
  // without a port it would be the scheme's own (RFC 9110, 4.2); some clients leave others out too, and what goes on has it
  const { host } = answer
  if (host.kind === 'name') return target.kind === 'name' && host.name === target.name
  return target.kind === 'address' && host.address === target.address
}

function hasMethod(rule: NetworkRule, { method, headers }: ReadHead): boolean {
  if (rule.methods === null || !held('gateway-requests')) return true
  return (
    rule.methods.includes(method) && !headers.some(({ lower }) => OTHER_METHOD.includes(plainName(lower)))
  )
}

/** What is asked for in the spelling that goes on; `null`: the rule does not have it. */
function pathFor(rule: NetworkRule, { target, headers }: ReadHead): string | null {
  if (target.kind === 'connect') return null
  if (target.kind === 'asterisk') return rule.paths === null ? '*' : null
  if (rule.paths === null || !held('gateway-requests')) return target.path + target.query
  if (headers.some(({ lower }) => OTHER_PATH.includes(plainName(lower)))) return null
  const path = canonicalPath(target.path)
  return path !== null && rule.paths.some((pattern) => pathMatches(pattern, path))
    ? path + target.query
    : null
}

function allow(
  rule: NetworkRule,
  read: ReadHead,
  path: string,
  upgrade: readonly string[],
  host: string,
): RequestVerdict {
  const headers: (readonly [string, string])[] = [
    ['Host', host],
    ...read.headers
      .filter((header) => goesOn(header, read.hop))
      .map(({ name, value }) => [name, value] as const),
    ...framingLines(read.framing),
    ...(upgrade.length === 0
      ? []
      : [['Connection', 'Upgrade'] as const, ['Upgrade', upgrade.join(', ')] as const]),
  ]
  return {
    verdict: 'allow',
    rule,
    outgoing: { method: read.method, path, headers },
    upgrade: upgrade.length > 0,
  }
}

/** `Expect` is answered by the gateway, which sends the body when it has it. */
function goesOn({ lower }: Header, hop: ReadonlySet<string>): boolean {
  return !hop.has(lower) && lower !== 'host' && lower !== 'content-length' && lower !== 'expect'
}

function framingLines(framing: Framing): (readonly [string, string])[] {
  if (framing.kind === 'none') return []
  return [framing.kind === 'length' ? ['Content-Length', framing.value] : ['Transfer-Encoding', 'chunked']]
}

function hostLine(target: Target, port: number, scheme: Scheme): string {
  const host = target.kind === 'name' ? target.name : target.address
  const bracketed = host.includes(':') ? `[${host}]` : host
  return port === DEFAULT_PORT[scheme] ? bracketed : `${bracketed}:${port}`
}
