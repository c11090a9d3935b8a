import type { NetworkRule, Plan } from '../plan/index.js'
import {
  type CredentialPolicy,
  type CredentialSource,
  type CredentialUse,
  hostText,
  patternText,
} from '../policy/index.js'
import { formatDuration } from '../units/index.js'

/** What `explain` says of a credential, from the plan: who receives it, for what, how long, and how long it lives without Glovebox. */
export interface CredentialLines {
  readonly name: string
  readonly receives: string
  readonly use: string
  readonly life: string
  readonly source: string
  readonly reflection: string
}

export function credentialLines(credential: CredentialPolicy, deadlineMs: number): CredentialLines {
  const { name, hosts, methods, paths, uses, onReflection } = credential
  const which = [methods?.join(', ') ?? 'any method', paths?.join(', ') ?? 'any path'].join(', ')
  const lease = Math.min(credential.ttlMs ?? deadlineMs, deadlineMs)
  return {
    name,
    receives: `${hosts.map(hostText).join(', ')} (${which}), and no other host`,
    use: useText(credential.use),
    life: `usable ${formatDuration(lease)} at most${uses === null ? '' : `, for ${uses} ${uses === 1 ? 'request' : 'requests'}`}; ${afterwards(credential.source)}`,
    source: sourceText(credential.source),
    reflection:
      onReflection === 'cut'
        ? 'a response that repeats it ends there'
        : 'a response that repeats it goes on without it',
  }
}

function useText(use: CredentialUse): string {
  switch (use.kind) {
    case 'bearer':
      return 'Authorization: Bearer, in place of whatever the job has there'
    case 'basic':
      return `Authorization: Basic${use.user === null ? '' : ` as ${use.user}`}, in place of whatever the job has there`
    case 'header':
      return `the header ${use.name}, in place of whatever the job has there`
    case 'query':
      return `the key ${use.key} of the query`
    case 'placeholder':
      return `in place of its placeholder, in ${use.in.join(', ')}`
    case 'aws-sigv4':
      return `signs requests to ${use.service} in ${use.region} anew${use.presigned ? ', those signed in their URL, too' : ''}`
  }
}

/** The value's own life: what a lease's end does not change. */
function afterwards(source: CredentialSource): string {
  if (source.kind === 'exchange')
    return source.revocation === null
      ? 'the token itself lives as long as its server said'
      : 'the token is revoked at its server then'
  if (source.kind === 'assumeRole')
    return `the keys themselves live ${formatDuration(source.durationMs)}, which nobody but AWS can shorten`
  return 'the value itself lives as long as its owner lets it'
}

function sourceText(source: CredentialSource): string {
  switch (source.kind) {
    case 'caller':
      return 'given with the run'
    case 'env':
      return `the variable ${source.variable} of Glovebox's own environment`
    case 'file':
      return `the file ${source.path}`
    case 'command':
      return `the command ${source.argv[0]}`
    case 'exchange':
      return `exchanged at ${new URL(source.endpoint).host}`
    case 'assumeRole':
      return `${source.role}, bounded to ${source.actions.join(', ')} on ${source.resources.join(', ')}`
  }
}

/** What a second look is due to. */
export function credentialWarnings(credential: CredentialPolicy): readonly string[] {
  const { name, source, use, methods, paths } = credential
  return [
    methods === null && paths === null && use.kind !== 'aws-sigv4'
      ? `credentials.${name} has neither methods nor paths: the job can do with it all that it can do.`
      : null,
    source.kind === 'assumeRole' && source.resources.includes('*')
      ? `credentials.${name} has every resource of its role's account.`
      : null,
    source.kind === 'assumeRole' && source.actions.some((action) => action.endsWith(':*'))
      ? `credentials.${name} has every action of a service.`
      : null,
    use.kind === 'query' || (use.kind === 'placeholder' && use.in.includes('query'))
      ? `credentials.${name} goes into URLs, which servers and proxies write into their logs.`
      : null,
  ].filter((sentence) => sentence !== null)
}

/** Ways out on which nobody looks for placeholders and values: in the order of the rules, none without credentials. */
export function unreadWarnings({
  credentials,
  network,
}: Pick<Plan, 'credentials' | 'network'>): readonly string[] {
  if (credentials.length === 0 || network === null) return []
  return network.rules.flatMap((rule) => {
    const { name, ports, inspect } = rule
    const of = (isUnread: (protocol: string) => boolean) =>
      ports.flatMap(({ port, protocol }) => (isUnread(protocol) ? [port] : [])).join(', ')
    const [tcp, tls] = [
      of((each) => each === 'tcp'),
      of((each) => !inspect && (each === 'tls' || each === 'web')),
    ]
    return [
      tls === ''
        ? null
        : `${name}: TLS to ${hostOf(rule)} on port ${tls} passes unread, and so would a credential's placeholder or value: write \`inspect: true\` there to have it looked through.`,
      tcp === ''
        ? null
        : `${name}: \`protocol: tcp\` to ${hostOf(rule)} on port ${tcp} passes unread, and so would a credential's placeholder or value: where it is HTTP over TLS, write \`protocol: tls\` and \`inspect: true\`.`,
    ].filter((sentence) => sentence !== null)
  })
}

function hostOf({ host }: NetworkRule): string {
  return host.kind === 'public' ? 'public hosts' : patternText(host)
}
