import { parseSize } from '../units/index.js'
import type { AddressBlock } from './address-block.js'
import type { CredentialHost } from './credential-policy.js'
import { hostAndPort, hostPattern, patternCovers, type Refusal } from './host-pattern.js'
import { pathPatternFault } from './path-pattern.js'
import type { Path } from './places.js'
import type { HostPattern, HostRule, Protocol, RuleBudget } from './policy.js'
import { addressFault, privateBlock } from './private-block.js'
import type { Problems } from './problems.js'
import { show } from './quote.js'
import type { PolicyDocument } from './schema.js'

type WrittenNetwork = NonNullable<PolicyDocument['network']>
type WrittenRule = Exclude<NonNullable<WrittenNetwork['allow']>[number], string>
type WrittenBudget = Pick<WrittenRule, 'maxUpload' | 'maxDownload' | 'maxConnections' | 'maxRate'>

/** A rule with its place in the policy, while rules are still compared with each other. */
export interface PlacedRule extends HostRule {
  readonly path: Path
}

/**
 * The rules of `network.allow`; one whose shape is wrong is left out (its problem is known already).
 * @param inspected of credentials: TLS to them is looked into without a word in the rule
 */
export function readHostRules(
  entries: unknown,
  problems: Problems,
  inspected: readonly CredentialHost[],
): PlacedRule[] {
  if (!Array.isArray(entries)) return []
  return entries.flatMap((entry, i) => {
    const path = ['network', 'allow', i]
    if (problems.within(path)) return []
    const rule =
      typeof entry === 'string'
        ? shortRule(entry, path, problems)
        : longRule(entry, path, problems, inspected)
    return rule === null ? [] : [{ ...rule, path }]
  })
}

/** `HOST` or `HOST:PORT`. */
function shortRule(text: string, path: Path, problems: Problems): HostRule | null {
  const answer = hostAndPort(text)
  if ('what' in answer) {
    problems.add('policy.badValue', path, `${show(text)} ${answer.what}`, answer.advice)
    return null
  }
  return checked({ host: '', ports: [answer.port ?? 443] }, answer.host, path, problems)
}

function longRule(
  written: WrittenRule,
  path: Path,
  problems: Problems,
  inspected: readonly CredentialHost[],
): HostRule | null {
  const answer = hostPattern(written.host)
  if (!('what' in answer)) return checked(written, answer, path, problems, inspected)
  const { what, advice } = withPort(written.host) ?? answer
  problems.add('policy.badValue', [...path, 'host'], `${show(written.host)} ${what}`, advice)
  return null
}

/** The short form where the long one has two keys. */
function withPort(host: string): Refusal | null {
  const answer = hostAndPort(host)
  if ('what' in answer || answer.port === null) return null
  return { what: 'has a port.', advice: `Write the port as ports: [${answer.port}].` }
}

function checked(
  written: WrittenRule,
  host: HostPattern,
  path: Path,
  problems: Problems,
  inspected: readonly CredentialHost[] = [],
): HostRule {
  const ports = portsOf(written)
  checkPaths(written.paths, path, problems)
  const credentials = inspected.some(
    ({ name, port }) =>
      patternCovers(host, { kind: 'name', name }) &&
      ports.some((each) => each.port === port && each.protocol === 'tls'),
  )
  checkHttpKeys(written, ports, path, problems, credentials)
  const blocks = readBlocks(written.private, path, problems)
  const fault = host.kind === 'address' ? addressFault(host.address, blocks) : null
  if (fault !== null && host.kind === 'address' && !problems.within([...path, 'private']))
    problems.add('policy.contradiction', path, `${show(host.address)} ${fault.what}`, fault.advice)
  return {
    host,
    ports,
    inspect: written.inspect ?? false,
    methods: sorted(written.methods),
    paths: sorted(written.paths),
    upgrade: written.upgrade ?? false,
    private: sorted(blocks.map(({ text }) => text)) ?? [],
    budget: ruleBudget(written),
  }
}

/** What is spoken on a port when its rule doesn't say. */
export function defaultProtocol(port: number): Protocol {
  if (port === 443) return 'tls'
  return port === 80 ? 'http' : 'tcp'
}

function portsOf({ ports = [443], protocol }: WrittenRule): HostRule['ports'] {
  const each = [...new Set(ports)].sort((a, b) => a - b)
  return each.map((port) => ({ port, protocol: protocol ?? defaultProtocol(port) }))
}

function checkPaths(patterns: readonly string[] = [], path: Path, problems: Problems): void {
  for (const [i, pattern] of patterns.entries()) {
    const fault = pathPatternFault(pattern)
    if (fault === null) continue
    problems.add('policy.badValue', [...path, 'paths', i], `${show(pattern)} ${fault.what}`, fault.advice)
  }
}

/** What is read of HTTP alone would be a promise that nobody keeps on any other port of the rule. */
function checkHttpKeys(
  written: WrittenRule,
  ports: HostRule['ports'],
  path: Path,
  problems: Problems,
  credentials: boolean,
): void {
  const inspect = written.inspect ?? false
  const unlocked = inspect ? ports.find(({ protocol }) => protocol === 'tcp') : undefined
  if (inspect && (unlocked !== undefined || ports.every(({ protocol }) => protocol !== 'tls'))) {
    const { port, protocol } = unlocked ?? ports[0] ?? { port: 80, protocol: 'http' }
    const what = `looks into TLS, and port ${port} speaks ${protocol} here.`
    const advice = 'Write protocol: tls, or remove the key.'
    problems.addKey('policy.contradiction', [...path, 'inspect'], what, advice)
    return
  }
  const other = ports.find(({ protocol }) => !isRead(protocol, inspect))
  if (other === undefined) return
  const keys = (['methods', 'paths'] as const).filter((key) => written[key] !== undefined)
  for (const key of keys) {
    const { what, advice } = unread(key, other.port, other.protocol)
    problems.addKey('policy.contradiction', [...path, key], what, advice)
  }
  if (written.upgrade !== true || credentials || ports.some(({ protocol }) => isRead(protocol, inspect)))
    return
  const tls = ports.some(({ protocol }) => protocol === 'tls')
  const what = tls
    ? 'binds on HTTP that is read, and TLS passes unread here.'
    : 'binds on HTTP, and no port of this rule speaks it.'
  const advice = tls ? 'Write inspect: true, or remove the key.' : 'Remove the key.'
  problems.addKey('policy.contradiction', [...path, 'upgrade'], what, advice)
}

/** Whether the gateway reads requests there. */
const isRead = (protocol: Protocol, inspect: boolean) =>
  protocol === 'http' || (inspect && protocol === 'tls')

function unread(key: string, port: number, protocol: Protocol): Refusal {
  if (protocol === 'tls')
    return {
      what: `${key} on TLS (port ${port}) need inspect: true.`,
      advice: `Write it, or ports: [80] for clear HTTP, or remove ${key}.`,
    }
  return {
    what: `${key} bind on HTTP, and port ${port} speaks tcp here.`,
    advice: `Write protocol: http, or remove ${key}.`,
  }
}

function readBlocks(texts: readonly string[] = [], path: Path, problems: Problems): AddressBlock[] {
  return texts.flatMap((text, i) => {
    const block = privateBlock(text)
    if (!('what' in block)) return [block]
    problems.add('policy.badValue', [...path, 'private', i], `${show(text)} ${block.what}`, block.advice)
    return []
  })
}

export function ruleBudget(written: WrittenBudget): RuleBudget {
  return {
    maxUploadBytes: written.maxUpload === undefined ? null : parseSize(written.maxUpload),
    maxDownloadBytes: written.maxDownload === undefined ? null : parseSize(written.maxDownload),
    maxConnections: written.maxConnections ?? null,
    maxRate: written.maxRate ?? null,
  }
}

/** Sets have one spelling: sorted, each text once. */
export function sorted(texts: readonly string[] | undefined): string[] | null {
  return texts === undefined ? null : [...new Set(texts)].sort()
}
