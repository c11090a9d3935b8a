import { parse } from 'tldts'
import type { NetworkPlan, NetworkRule } from '../plan/index.js'
import { addressBlock, wildcardCovers } from '../policy/index.js'
import { isBelow } from './names.js'

/** Something that a rule gives away, and that its writer may not have meant. */
export interface NetworkWarning {
  /** the rule's name, e.g. `network.allow[0]` */
  readonly rule: string
  readonly sentence: string
}

const REPOSITORIES = "anybody's repositories can be read, and written to with a token of the job's own"

/**
 * Hosts at which anybody can put or fetch things, under the very name that is allowed. A short list of what is met often, not a
 * promise that others don't.
 */
const RELAYS: readonly (readonly [name: string, what: string])[] = [
  ['api.github.com', "anybody's gists and repositories can be written to with a token of the job's own"],
  ['gist.github.com', "anybody's gists can be written to"],
  // below it are the two above: the first that fits is said
  ['github.com', REPOSITORIES],
  ['gitlab.com', REPOSITORIES],
  ['bitbucket.org', REPOSITORIES],
  ['codeberg.org', REPOSITORIES],
  ['huggingface.co', REPOSITORIES],
  ['raw.githubusercontent.com', "it serves any user's files"],
  ['gist.githubusercontent.com', "it serves any user's files"],
  ['objects.githubusercontent.com', "it serves any user's files"],
  ['cdn.jsdelivr.net', "it serves any repository's and any package's files"],
  ['unpkg.com', "it serves any package's files"],
  ['registry.npmjs.org', "it takes and serves anybody's packages"],
  ['pypi.org', "it takes and serves anybody's packages"],
  ['files.pythonhosted.org', "it serves anybody's packages"],
  ['rubygems.org', "it takes and serves anybody's packages"],
  ['crates.io', "it takes and serves anybody's packages"],
  ['proxy.golang.org', 'it fetches any module for whoever asks'],
  ['registry-1.docker.io', "it takes and serves anybody's images"],
  ['ghcr.io', "it takes and serves anybody's images"],
  ['quay.io', "it takes and serves anybody's images"],
  ['translate.google.com', 'it fetches any page for whoever asks'],
  ['translate.goog', 'it fetches any page for whoever asks'],
  ['web.archive.org', 'it fetches and keeps any page for whoever asks'],
  ['s3.amazonaws.com', "it serves anybody's buckets, and takes uploads with the bucket in the path"],
  ['storage.googleapis.com', "it serves anybody's buckets, and takes uploads with the bucket in the path"],
  ['dns.google', 'it carries any question for a name, and so any data, to whoever owns a domain'],
  ['cloudflare-dns.com', 'it carries any question for a name, and so any data, to whoever owns a domain'],
  ['pastebin.com', "anybody's texts can be read and written"],
  ['api.telegram.org', 'it passes messages to anybody'],
  ['hooks.slack.com', 'it passes messages to anybody'],
  ['discord.com', 'it passes messages to anybody'],
]

/** What of a plan deserves a second look, in the order of its rules. For `explain`; nothing is enforced by it. */
export function networkWarnings(plan: NetworkPlan): readonly NetworkWarning[] {
  return plan.rules.flatMap((rule) =>
    [sharedDomain, relay, wildcard, everybody, ownLoopback, unseenMethods]
      .map((warning) => warning(rule))
      .filter((sentence) => sentence !== null)
      .map((sentence) => ({ rule: rule.name, sentence })),
  )
}

/** `bucket.s3.amazonaws.com`, `user.github.io`: the next tenant is a sibling, on the same servers. */
function sharedDomain({ host }: NetworkRule): string | null {
  if (host.kind !== 'name' && host.kind !== 'below') return null
  const { isPrivate, publicSuffix } = parse(host.name, { allowPrivateDomains: true })
  return isPrivate === true && publicSuffix !== host.name
    ? `${host.name} is one customer's name below ${publicSuffix}: whoever gets that name, or the servers behind it, is let by too.`
    : null
}

function relay({ host }: NetworkRule): string | null {
  if (host.kind !== 'name' && host.kind !== 'below') return null
  const [name, what] =
    RELAYS.find(
      ([known]) =>
        known === host.name ||
        isBelow(host.name, known) ||
        (host.kind === 'below' && wildcardCovers(host.name, known)),
    ) ?? []
  return name === undefined
    ? null
    : `Through ${name} data can leave and come although the host is allowed: ${what}.`
}

function wildcard({ host }: NetworkRule): string | null {
  return host.kind === 'below'
    ? `*.${host.name} is every name below it: who can make one, or owns one that was forgotten, is let by, and asking for made-up names tells the owner's name servers what they spell.`
    : null
}

function everybody({ host }: NetworkRule): string | null {
  return host.kind === 'public'
    ? 'Any public host is anybody’s: what the job has read can be sent to whoever runs one, and asking for made-up names alone tells their owner’s name servers what they spell, whatever `methods` and `maxUpload` say.'
    : null
}

function ownLoopback({ private: blocks }: NetworkRule): string | null {
  const own = blocks.filter((text) => {
    const block = addressBlock(text)
    return (
      !('what' in block) &&
      (block.text === '::1/128' || (block.family === 4 && block.length >= 8 && block.first >> 24n === 127n))
    )
  })
  return own.length === 0
    ? null
    : `${own.join(', ')} is this host's own loopback: what listens there often trusts whoever can connect.`
}

function unseenMethods({ ports, inspect, methods, paths }: NetworkRule): string | null {
  if (inspect || (methods === null && paths === null)) return null
  const unseen = ports.filter(({ protocol }) => protocol !== 'http').map(({ port }) => port)
  if (unseen.length === 0) return null
  const what = [methods === null ? [] : ['methods'], paths === null ? [] : ['paths']].flat().join(' and ')
  return `\`${what}\` bind on clear HTTP only: inside TLS on port ${unseen.join(', ')} any method and path passes.`
}
