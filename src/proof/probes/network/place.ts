/** What probes of the network share: what a rule lets through, and one scene played inside and in the open. */
import { allowsName, type PortProtocol, rulesFor, type Target } from '../../../network/index.js'
import type { NetworkPlan, NetworkRule, Plan } from '../../../plan/index.js'
import type { Attempt, Bench, Open, Pointless, Trial, Tried } from '../probe.js'
import type { Seen, World, Zone } from '../world.js'

/** Where attempts are made: inside, or beside the sandbox as their control. */
export interface Place {
  readonly inside: boolean
  readonly bench: Bench
  readonly world: World
  /** that answers questions for names here */
  readonly resolver: string
}

export interface SceneOptions {
  readonly zone?: Zone
  /** at which a service of this host listens */
  readonly service?: number
  /** how the plan differs from the one that is verified */
  readonly under?: (plan: Plan) => Plan
  readonly where?: Open
  /** what the world has to see for an attempt to have reached it; default: the canary came back to it */
  readonly arrived?: (seen: Seen, place: Place) => boolean
}

/** The attempts inside, of which none may come through, and in the open, where each must. */
export function scene(
  attempts: (place: Place) => readonly (readonly [string, ...string[]] | Attempt)[],
  { zone = {}, service, under, where = 'caller', arrived }: SceneOptions = {},
): Trial {
  const play = async (bench: Bench, inside: boolean): Promise<readonly Tried[]> => {
    const { world, canary } = bench.decoys
    if (world === null) throw new RangeError('a scene without a world')
    if (service !== undefined) await world.service(service)
    return world.scene(zone, async (seen) => {
      const resolver = inside ? (bench.plan.network?.resolver ?? world.resolver) : world.resolver
      const place = { inside, bench, world, resolver }
      const list = attempts(place).map((each) => withCanary(each, canary))
      const tried = inside
        ? (await bench.inside(list, under?.(bench.plan))).tried
        : await bench.open(list, where)
      return arrived === undefined ? tried : tried.map((each) => ({ ...each, reached: arrived(seen, place) }))
    })
  }
  return { inside: (bench) => play(bench, true), control: (bench) => play(bench, false), world: true }
}

/** Of these words the first says whether an answer shows that something was reached; of all others success does. */
const ANSWERED = new Set(['tcp', 'fast-open', 'udp'])

function withCanary(each: readonly [string, ...string[]] | Attempt, canary: string): Attempt {
  const attempt: Attempt = 'words' in each ? each : { words: each }
  if (attempt.reached !== undefined || !ANSWERED.has(attempt.words[0])) return attempt
  return { ...attempt, reached: ({ detail }) => detail.includes(canary) }
}

/** Reached is one of these addresses, of whatever else may answer. */
export function reaching(words: readonly [string, ...string[]], ...addresses: readonly string[]): Attempt {
  return { words, reached: ({ detail }) => addresses.some((each) => detail.includes(` ${each} `)) }
}

/** Something that a rule lets through. */
export interface Way {
  readonly rule: NetworkRule
  /** of all rules that cover it */
  readonly rules: readonly NetworkRule[]
  /** `null`: the rule is for an address */
  readonly name: string | null
  /** … which is this; else a name */
  readonly address: string | null
  readonly port: number
  readonly protocol: PortProtocol
}

/** For every rule and port, a name or an address that it lets through, and that no earlier rule says more of. */
export function waysOf(network: NetworkPlan): Way[] {
  return network.rules.flatMap((rule) =>
    rule.ports.flatMap(({ port }) => {
      const target = targetOf(rule)
      const found = rulesFor(network, target, port)
      if (found.verdict !== 'allow' || found.rules[0] !== rule) return []
      const { rules, protocol } = found
      const [name, address] = target.kind === 'name' ? [target.name, null] : [null, target.address]
      return [{ rule, rules, name, address, port, protocol }]
    }),
  )
}

export type NamedWay = Way & { readonly name: string }

/** The first way by name, of one of these protocols, and that also is as asked for. */
export function namedWay(
  plan: Plan,
  protocols: readonly PortProtocol[] = ALL,
  also: (way: Way) => boolean = () => true,
): NamedWay | null {
  const ways = plan.network === null ? [] : waysOf(plan.network)
  const isWanted = (way: Way): way is NamedWay =>
    way.name !== null && protocols.includes(way.protocol) && also(way)
  return ways.find(isWanted) ?? null
}

const ALL: readonly PortProtocol[] = ['tls', 'web', 'tcp', 'http']

/** A trial of a way by name, if the plan has one. */
export function byName(
  plan: Plan,
  make: (way: NamedWay) => Trial | Pointless,
  protocols: readonly PortProtocol[] = ALL,
): Trial | Pointless {
  const way = namedWay(plan, protocols)
  const what = protocols === ALL ? 'any host by name' : `${protocols.join(' or ')} to a host by name`
  return way === null ? { pointless: `no rule allows ${what}` } : make(way)
}

function targetOf({ host }: NetworkRule): Target {
  if (host.kind === 'address') return { kind: 'address', address: host.address }
  if (host.kind === 'name') return { kind: 'name', name: host.name }
  return { kind: 'name', name: host.kind === 'below' ? `glovebox-probe.${host.name}` : 'glovebox-probe.com' }
}

/** A name that no rule allows. */
export function deniedName(plan: Plan): string {
  return firstDenied(plan, ['glovebox-probe.net', 'glovebox-probe.internal', 'glovebox-probe.corp']) ?? 'corp'
}

export function firstDenied(plan: Plan, names: readonly string[]): string | null {
  const { network } = plan
  return names.find((name) => network === null || !allowsName(network, name)) ?? null
}

/** Those of the addresses that no rule opens at this port. */
export function deniedAddresses(plan: Plan, addresses: readonly string[], port: number): string[] {
  const { network } = plan
  return addresses.filter(
    (address) =>
      network === null || rulesFor(network, { kind: 'address', address }, port).verdict !== 'allow',
  )
}
