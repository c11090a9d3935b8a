/** Names: those that no rule allows have no address, and no question leaves. */
import type { Plan } from '../../../plan/index.js'
import type { Pointless, Probe, Trial } from '../probe.js'
import { hello, hex, PLAIN } from './bytes.js'
import { byName, deniedAddresses, deniedName, firstDenied, namedWay, scene } from './place.js'

const TYPE = {
  A: '1',
  NS: '2',
  MX: '15',
  TXT: '16',
  AAAA: '28',
  SVCB: '64',
  HTTPS: '65',
  ANY: '255',
} as const

/** What a job would carry out in a label. */
const SECRET = 'c2vjcmv0lw9mlxrozs1qb2i'

const named = (id: string, threat: Probe['threat'], tries: string, trial: Probe['trial']): Probe => ({
  id: `names.${id}`,
  claim: 'network.names',
  threat,
  tries,
  trial,
})

export const nameProbes: readonly Probe[] = [
  named('denied', 'suffixes', 'look up a name that no rule allows', ({ plan }) =>
    scene(({ resolver }) => [
      ['dns', resolver, deniedName(plan), TYPE.A],
      ['dns', resolver, deniedName(plan), TYPE.AAAA],
    ]),
  ),
  named('suffixes', 'suffixes', 'look up names that look like an allowed one', ({ plan }) => {
    const alike = lookalikes(plan.network?.rules.map(({ host }) => host) ?? [])
    const names = alike.filter((name) => firstDenied(plan, [name]) !== null)
    if (names.length === 0) return { pointless: 'no name is allowed that another could look like' }
    return scene(({ resolver }) => names.slice(0, 8).map((name) => ['dns', resolver, name, TYPE.A] as const))
  }),
  named('tunnel', 'dns-tunnels', 'carry data out in the labels of questions', ({ plan }) =>
    scene(
      ({ resolver }) => [
        ['dns', resolver, `${SECRET}.${deniedName(plan)}`, TYPE.A],
        ['dns', resolver, `${SECRET}.${deniedName(plan)}`, TYPE.TXT],
      ],
      { arrived: ({ questions }) => questions.some(({ name }) => name.includes(SECRET)) },
    ),
  ),
  named('tunnel-below', 'dns-tunnels', 'carry data out in questions below an allowed host', ({ plan }) =>
    byName(plan, ({ name }) =>
      scene(
        ({ resolver }) => [
          ['dns', resolver, `${SECRET}.${name}`, TYPE.A],
          ['dns', resolver, `${SECRET}.${name}`, TYPE.TXT],
        ],
        { arrived: ({ questions }) => questions.some(({ name: asked }) => asked.includes(SECRET)) },
      ),
    ),
  ),
  named('types', 'dns-tunnels', 'ask for other records than addresses: TXT, MX, SVCB, HTTPS', ({ plan }) => {
    const name = namedWay(plan)?.name ?? deniedName(plan)
    const types = [TYPE.TXT, TYPE.MX, TYPE.NS, TYPE.SVCB, TYPE.HTTPS]
    return scene(({ resolver }) => types.map((type) => ['dns', resolver, name, type] as const))
  }),
  named('triggered', 'dns-tunnels', 'have the gateway ask, by a request that is denied', ({ plan }) =>
    scene(
      ({ resolver }) => [
        ['tcp', `${SECRET}.${deniedName(plan)}@${resolver}`, '443', hello([`${SECRET}.${deniedName(plan)}`])],
      ],
      { arrived: ({ questions }) => questions.some(({ name }) => name.includes(SECRET)) },
    ),
  ),
  named('other-resolver', 'other-resolvers', 'ask another name server', ({ plan }) =>
    scene(({ world }) => [
      ['dns', world.resolver, deniedName(plan), TYPE.A],
      ['dns', world.resolver, namedWay(plan)?.name ?? 'glovebox-probe.org', TYPE.A],
    ]),
  ),
  named('by-tcp', 'other-resolvers', 'ask another name server by TCP', ({ plan }) =>
    resolverAt(plan, 53, PLAIN),
  ),
  named('over-tls', 'other-resolvers', 'ask another name server over TLS', ({ plan }) =>
    resolverAt(plan, 853, hello(['dns.quad9.net'])),
  ),
  named('over-https', 'other-resolvers', 'ask another name server over HTTPS, by its address', ({ plan }) =>
    resolverAt(plan, 443, hello([null])),
  ),
  named('over-http', 'other-resolvers', 'ask another name server over HTTP, by its address', ({ plan }) =>
    resolverAt(plan, 8053, hex('GET /dns-query?name=x HTTP/1.1\r\nHost: dns.quad9.net\r\n\r\n')),
  ),
]

const RESOLVERS = ['9.9.9.9', '1.1.1.1', '8.8.8.8', '2620:fe::fe']

function resolverAt(plan: Plan, port: number, bytes: string): Trial | Pointless {
  const addresses = deniedAddresses(plan, RESOLVERS, port)
  if (addresses.length === 0) return { pointless: `a rule opens port ${port} of every public address` }
  return scene(() => addresses.map((address) => ['tcp', address, `${port}`, bytes] as const))
}

function lookalikes(hosts: readonly { readonly kind: string; readonly name?: string }[]): string[] {
  return hosts.flatMap(({ kind, name }) => {
    if (name === undefined) return []
    const alike = [`evil${name}`, `evil-${name}`, `${name}.evil.invalid`, `${name}x`]
    return kind === 'below' ? [name, ...alike, `x.evil${name}`] : [`x.${name}`, ...alike]
  })
}
