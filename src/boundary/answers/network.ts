import type { HostFacts } from '../../host/index.js'
import {
  type Answer,
  enforcedBy,
  impossible,
  type Means,
  type RequirementId,
  type Unanswered,
} from '../../plan/index.js'
import type { Question } from '../boundary.js'
import { NFTABLES_ADVICE } from './advice.js'
import { showsFolders } from './filter.js'
import { by } from './mechanisms.js'

/** There on every kernel with netfilter. */
export const NETFILTER = '/proc/net/netfilter'

/** Whether it has nftables too, its modules may say only when they are asked for; then the start fails. */
export function withNftables(host: HostFacts, first: Means, ...more: Means[]): Answer {
  return host.paths[NETFILTER] === undefined
    ? impossible('This kernel was built without netfilter.', NFTABLES_ADVICE)
    : enforcedBy(first, ...more)
}

type NetworkId = Extract<RequirementId, `network.${string}`>

/** By the namespace, its rules, and the gateway that holds its sockets. A missing line does not compile. */
export const networkAnswers: { readonly [Id in NetworkId]: (question: Question) => Answer } = {
  'network.none': ({ plan }) =>
    enforcedBy(
      by('empty network namespace, loopback down', 'network-namespace'),
      by(`seccomp: ${socketsLeft(plan)}`, 'filter-families'),
    ),
  'network.gateway-only': ({ host }) =>
    withNftables(
      host,
      by(
        'network namespace with nothing but lo, in which every address is local: TPROXY gives every port to one socket, which the gateway holds',
        'network-namespace',
        'tproxy',
      ),
      by('seccomp: of IP, TCP and UDP sockets only', 'filter-families'),
    ),
  'network.no-datagrams': ({ host }) =>
    withNftables(
      host,
      by(
        'nftables rejects all but questions to the resolver, before they leave the socket',
        'refused-datagrams',
      ),
      by('network namespace with nothing but lo', 'network-namespace'),
      by('seccomp: no raw, ping or packet socket', 'filter-families'),
    ),
  'network.names': () =>
    enforcedBy(
      by(
        'the only name server is the gateway, which answers by itself with addresses that stand for names',
        'network-namespace',
        'gateway-names',
      ),
    ),
  'network.checked-address': () =>
    enforcedBy(
      by(
        'the gateway resolves the name once, classifies every address, and dials one that passed',
        'gateway-resolves',
        'gateway-addresses',
      ),
    ),
  'network.no-metadata': () =>
    enforcedBy(
      by(
        'the gateway classifies every address; no rule opens these',
        'gateway-metadata',
        'gateway-addresses',
      ),
    ),
  'network.no-host-services': () =>
    enforcedBy(
      by(
        "the gateway classifies every address, this host's own included",
        'gateway-own-addresses',
        'gateway-addresses',
      ),
    ),
  'network.tls-name': () =>
    enforcedBy(by('the gateway reads the ClientHello before it dials', 'gateway-server-name')),
  'network.http-rewritten': () =>
    enforcedBy(
      by('the gateway parses each request and writes its own', 'gateway-http'),
      by('the gateway holds the method and the path of each to the rule', 'gateway-requests'),
    ),
  'network.inspected': () =>
    enforcedBy(
      by('the gateway ends TLS, and lets none by that a rule inspects', 'gateway-inspects'),
      by('an authority made for this sandbox, whose key is in the gateway alone', 'gateway-authority'),
      by(
        "the gateway verifies the host's certificate before it sends anything, by the authorities of this host",
        'gateway-certificates',
      ),
      by('the gateway holds each request inside to the rule', 'gateway-requests'),
    ),
  'network.budgets': () => enforcedBy(by('the gateway counts', 'gateway-budgets')),
  'network.recorded': () =>
    enforcedBy(
      by('TPROXY: the gateway accepts every connection', 'tproxy'),
      by('netfilter logs refused datagrams; of a flood the first 256, then 64 a second', 'logged-datagrams'),
    ),
}

/** Without a network. */
function socketsLeft(plan: Unanswered | null): string {
  if (plan === null) return 'AF_UNIX sockets at most'
  if (plan.syscalls.profile === 'compute') return 'no socket of any family'
  return showsFolders(plan) ? 'no socket but connected AF_UNIX pairs' : 'AF_UNIX sockets only'
}
