/** Past the gateway: to what no rule names, and by changing the namespace. Also: what a rule names is reached. */
import type { Bench, Pointless, Probe, Trial, Tried } from '../probe.js'
import type { Spoken } from '../talk.js'
import { fitting, hello, hex, PLAIN } from './bytes.js'
import { byName, deniedAddresses, scene, type Way, waysOf } from './place.js'
import { asked, askedOnce, inspectedWay, isInspected, saidIn } from './said.js'

const PUBLIC4 = ['1.1.1.1', '8.8.8.8', '93.184.215.77']
const PUBLIC6 = ['2606:4700::1111', '2001:4860:4860::8888']
const PRIVATE4 = ['10.20.30.40', '192.168.7.7']
const PRIVATE6 = ['fd12:3456::1']
const PORTS = [22, 80, 443, 8080, 31_337]
/** of a policy's ways that are walked; each takes a connection */
const MAX_WAYS = 6

const probe = (id: string, tries: string, trial: Probe['trial']): Probe => ({
  id: `gateway.${id}`,
  claim: 'network.gateway-only',
  threat: 'past-the-gateway',
  tries,
  trial,
})

export const wayProbes: readonly Probe[] = [
  probe(
    'allowed',
    'reach what the policy allows, without which nothing else here would prove anything',
    ({ plan }) => {
      const ways = plan.network === null ? [] : waysOf(plan.network)
      const inspected = inspectedWay(plan)
      const [read, unread] = [ways.filter(isInspected), ways.filter((way) => !isInspected(way))]
      // the one that all other probes go by, first
      const first = [...new Set([...(inspected === null ? [] : [inspected]), ...read])]
      if (ways.length === 0) return { pointless: 'no rule allows anything' }
      return walked(unread.slice(0, MAX_WAYS), first.slice(0, MAX_WAYS))
    },
  ),
  probe('address', 'connect to an address that no rule names, on many ports', ({ plan }) =>
    toDenied([...PUBLIC4, ...PRIVATE4], (address, port) => deniedAddresses(plan, [address], port).length > 0),
  ),
  probe('address6', 'connect to an IPv6 address that no rule names', ({ plan }) =>
    toDenied([...PUBLIC6, ...PRIVATE6], (address, port) => deniedAddresses(plan, [address], port).length > 0),
  ),
  probe('port', 'connect to an allowed host on a port that no rule names', ({ plan }) =>
    byName(plan, ({ name }) => {
      const ports = PORTS.filter(
        (port) => !plan.network?.rules.some((rule) => rule.ports.some((each) => each.port === port)),
      )
      if (ports.length === 0) return { pointless: 'rules name every port that would be tried' }
      return scene(({ resolver }) =>
        ports.map((port) => ['tcp', `${name}@${resolver}`, `${port}`, PLAIN] as const),
      )
    }),
  ),
  probe('fast-open', 'send data with the first packet to an address that no rule names', ({ plan }) => {
    const [address] = deniedAddresses(plan, [...PUBLIC4, ...PRIVATE4], 80)
    if (address === undefined) return { pointless: 'rules name every address that would be tried' }
    return scene(() => [['fast-open', address, '80', PLAIN]])
  }),
  probe('server-in-its-place', "take the gateway's place: a server at its address and port", ({ plan }) =>
    scene(({ inside, world }) => {
      const resolver = inside ? (plan.network?.resolver ?? '') : (world.own[0] ?? '')
      return [
        ['take', resolver, '53', 'udp'],
        ['take', '0.0.0.0', '1', 'tcp'],
      ]
    }),
  ),
  probe('interfaces', 'change addresses and interfaces', () =>
    scene(() => [['toggle-loopback'], ['add-address', '203.0.113.9']], { where: 'privileged' }),
  ),
]

/** Nothing is attacked: it is a control of the real path, which must let through what it should. */
function walked(unread: readonly Way[], inspected: readonly Way[]): Trial {
  return {
    world: true,
    inside: async () => [],
    control: async (bench: Bench) => {
      const tried: Tried[] = []
      if (unread.length > 0) tried.push(...(await walkUnread(bench, unread)))
      for (const way of inspected) tried.push(...(await walkInspected(bench, way)))
      return tried.map((each) => ({ ...each, attempt: `what the policy allows: ${each.attempt}` }))
    },
  }
}

async function walkUnread(bench: Bench, ways: readonly Way[]): Promise<readonly Tried[]> {
  const { world, canary } = bench.decoys
  if (world === null) throw new RangeError('a scene without a world')
  const { resolver } = bench.plan.network ?? world
  const reached = ({ detail }: { detail: string }) => detail.includes(canary)
  const attempts = ways.map((way) => {
    const host = way.address ?? `${way.name}@${resolver}`
    return { words: ['tcp', host, `${way.port}`, fitting(way)] as const, reached }
  })
  // what a rule opens of this host's loopback has to be there
  for (const { port } of ways.filter(({ address }) => address !== null)) await world.service(port)
  return (await world.scene({}, () => bench.inside(attempts))).tried
}

async function walkInspected(bench: Bench, { name, ...way }: Way): Promise<readonly Tried[]> {
  // an address has no name that a certificate of the world could be for
  if (name === null) return []
  const { canary } = bench.decoys
  const named = { ...way, name }
  const walk = (protocol: Spoken) =>
    saidIn(
      bench,
      `a request to ${name}, by ${protocol} inside TLS`,
      async (place) => {
        const answer = await askedOnce(named, place, asked(named), { protocol })
        return { reached: answer.body.includes(canary), answer }
      },
      { inside: true },
    )
  return [...(await walk('http/1.1')), ...(await walk('h2'))]
}

function toDenied(
  addresses: readonly string[],
  isDenied: (address: string, port: number) => boolean,
): Trial | Pointless {
  const pairs = addresses.flatMap((address) =>
    PORTS.filter((port) => isDenied(address, port)).map((port) => ({ address, port })),
  )
  if (pairs.length === 0) return { pointless: 'rules name every address and port that would be tried' }
  return scene(() =>
    pairs.map(({ address, port }) => {
      const bytes =
        port === 443
          ? hello([null])
          : port === 80
            ? hex('GET / HTTP/1.1\r\nHost: glovebox-probe.com\r\n\r\n')
            : PLAIN
      return ['tcp', address, `${port}`, bytes] as const
    }),
  )
}
