/** Addresses behind names: only what was checked is dialled. */
import { classifyAddress } from '../../../network/index.js'
import type { Pointless, Probe, Trial, Zone } from '../probe.js'
import { fitting } from './bytes.js'
import { byName, type NamedWay, reaching, scene } from './place.js'

const PUBLIC = '93.184.215.14'

const probe = (id: string, threat: Probe['threat'], tries: string, trial: Probe['trial']): Probe => ({
  id: `addresses.${id}`,
  claim: 'network.checked-address',
  threat,
  tries,
  trial,
})

const behind = (id: string, what: string, addresses: readonly string[]): Probe =>
  probe(id, 'addresses-behind-names', `connect to an allowed name that leads to ${what}`, ({ plan }) =>
    byName(plan, (way) =>
      led(way, addresses, (all) => ({ zone: { [way.name]: all.map((each) => [each]) }, times: all.length })),
    ),
  )

export const addressProbes: readonly Probe[] = [
  behind('private', 'a private address', ['10.20.30.40', '172.20.1.1', '192.168.7.7']),
  behind('private6', 'a private IPv6 address', ['fd12:3456::1', 'fc00::7']),
  behind('shared', 'an address of a carrier or of a cloud (100.64.0.0/10)', ['100.64.1.1', '100.127.9.9']),
  behind('link-local', 'an address of the link', ['169.254.7.7', '169.254.1.1']),
  behind('reserved', 'a reserved address', ['192.0.2.1', '198.18.5.5', '203.0.113.7']),
  behind('embedded', 'an IPv6 address with a private IPv4 address in it', [
    '64:ff9b::a14:1e28',
    '2002:a14:1e28::1',
    '2001:0:a14:1e28::1',
  ]),
  probe(
    'mapped',
    'addresses-behind-names',
    'connect to an allowed name that leads to a private address spelled as IPv6',
    ({ plan }) =>
      byName(plan, (way) =>
        led(way, ['10.20.30.40'], () => ({ zone: { [way.name]: [['::ffff:10.20.30.40']] }, times: 1 })),
      ),
  ),
  probe('mixed', 'addresses-behind-names', 'have a private address dialled among public ones', ({ plan }) =>
    byName(plan, (way) =>
      led(way, ['10.20.30.40'], () => ({ zone: { [way.name]: [['10.20.30.40', PUBLIC]] }, times: 1 })),
    ),
  ),
  probe(
    'alias',
    'addresses-behind-names',
    'have a private address dialled behind a chain of aliases',
    ({ plan }) =>
      byName(plan, (way) =>
        led(way, ['10.20.30.40'], () => ({
          zone: { [way.name]: [['=one.glovebox-probe.invalid', '=two.corp', '10.20.30.40']] },
          times: 1,
        })),
      ),
  ),
  probe('rebinding', 'rebinding', 'have a name move to a private address after it was checked', ({ plan }) =>
    byName(plan, (way) => rebinding(way, '10.20.30.40')),
  ),
  probe(
    'rebinding6',
    'rebinding',
    'have a name move to a private IPv6 address after it was checked',
    ({ plan }) => byName(plan, (way) => rebinding(way, 'fd12:3456::1')),
  ),
]

/** Connects as often as there are turns; none may reach any of those that the rules do not open. */
function led(
  way: NamedWay,
  addresses: readonly string[],
  how: (addresses: readonly string[]) => { readonly zone: Zone; readonly times: number },
): Trial | Pointless {
  const closed = addresses.filter((address) => isClosed(way, address))
  if (closed.length === 0) return { pointless: 'the rule opens every address that would be tried' }
  const { zone, times } = how(closed)
  return scene(
    ({ resolver }) =>
      Array.from({ length: times }, (_, index) =>
        reaching(['tcp', `${way.name}@${resolver}`, `${way.port}`, fitting(way)], closed[index] ?? ''),
      ),
    { zone },
  )
}

/** The first lookup says it is public, every later one that it is private. In the open the second connection goes there. */
function rebinding(way: NamedWay, address: string): Trial | Pointless {
  if (!isClosed(way, address)) return { pointless: 'the rule opens the address that would be tried' }
  return scene(
    ({ resolver, inside }) =>
      [0, 1].map((turn) =>
        reaching(
          ['tcp', `${way.name}@${resolver}`, `${way.port}`, fitting(way)],
          !inside && turn === 0 ? PUBLIC : address,
        ),
      ),
    { zone: { [way.name]: [[PUBLIC], [address]] } },
  )
}

function isClosed({ rules }: NamedWay, address: string): boolean {
  return rules.every((rule) => classifyAddress(address, rule.private, []).verdict !== 'allow')
}
