/** What listens on this host: on its loopback, under all of its names, and on its own addresses. */
import { classifyAddress } from '../../../network/index.js'
import type { Plan } from '../../../plan/index.js'
import type { Pointless, Probe, Trial } from '../probe.js'
import { fitting, PLAIN } from './bytes.js'
import { byName, deniedAddresses, type NamedWay, reaching, scene, waysOf } from './place.js'

const LOOPBACK = ['127.0.0.1', '127.8.8.8', '::1']
/** Of the world: private ones, and two that only this host could tell from others. */
const OWN = ['10.99.0.2', 'fd99::2', '93.184.215.99', '2606:2800:21f::99']
const UNUSED = 4477

const probe = (id: string, tries: string, trial: Probe['trial']): Probe => ({
  id: `host.${id}`,
  claim: 'network.no-host-services',
  threat: 'neighbours',
  tries,
  trial,
})

export const hostServiceProbes: readonly Probe[] = [
  probe('loopback', "connect to the host's loopback, by address", ({ plan }) =>
    byAddress(plan, [...LOOPBACK, '127.0.0.2']),
  ),
  probe('own-addresses', "connect to the host's own addresses", ({ plan }) => byAddress(plan, OWN)),
  probe('unspecified', 'connect to the address that stands for oneself', ({ plan }) =>
    byAddress(plan, ['0.0.0.0', '::'], (address) => (address === '::' ? '::1' : '127.0.0.1')),
  ),
  probe('mapped', "connect to the host's loopback, spelled as IPv6", ({ plan }) =>
    byAddress(plan, ['::ffff:127.0.0.1'], () => '127.0.0.1'),
  ),
  probe('localhost', 'connect to localhost by name', ({ plan }) =>
    scene(({ resolver }) => [['tcp', `localhost@${resolver}`, `${portOf(plan)}`, PLAIN]], {
      zone: { localhost: [['127.0.0.1']] },
      service: portOf(plan),
    }),
  ),
  probe('loopback-behind-name', "connect to an allowed name that leads to the host's loopback", ({ plan }) =>
    byName(plan, (way) => behindName(way, LOOPBACK)),
  ),
  probe('own-behind-name', "connect to an allowed name that leads to the host's own addresses", ({ plan }) =>
    byName(plan, (way) => behindName(way, OWN)),
  ),
  probe('abstract-socket', 'connect to an abstract socket of the host', () =>
    scene(({ bench }) => [['unix', bench.decoys.process.abstractSocket]]),
  ),
]

/** `meant`: what an address is another spelling of, which a rule may open. */
function byAddress(
  plan: Plan,
  addresses: readonly string[],
  meant: (address: string) => string = (address) => address,
): Trial | Pointless {
  const port = portOf(plan)
  const closed = addresses.filter((address) => deniedAddresses(plan, [meant(address)], port).length > 0)
  if (closed.length === 0) return { pointless: 'a rule opens each of these addresses' }
  return scene(() => closed.map((address) => ['tcp', address, `${port}`, PLAIN] as const), { service: port })
}

function behindName(way: NamedWay, addresses: readonly string[]): Trial | Pointless {
  const closed = addresses.filter((address) =>
    way.rules.every((rule) => classifyAddress(address, rule.private, OWN).verdict !== 'allow'),
  )
  if (closed.length === 0) return { pointless: 'the rule opens each of these addresses' }
  return scene(
    ({ resolver }) =>
      closed.map((address) =>
        reaching(['tcp', `${way.name}@${resolver}`, `${way.port}`, fitting(way)], `host ${address}`),
      ),
    { zone: { [way.name]: closed.map((address) => [address]) }, service: way.port },
  )
}

/** One that rules let by, so that the address decides. */
function portOf({ network }: Plan): number {
  return (network === null ? undefined : waysOf(network)[0]?.port) ?? UNUSED
}
