/** Addresses behind names: only what was checked is dialled. */
import { classifyAddress } from '../../../network/index.js'
import type { Pointless, Probe, Trial } from '../probe.js'
import { fitting } from './bytes.js'
import { byName, type NamedWay, reaching, scene } from './place.js'

/** A rule may open one of them. */
const PRIVATE = ['10.20.30.40', '172.20.1.1', '192.168.7.7']
const PRIVATE6 = ['fd12:3456::1', 'fc00::7']
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
    byName(plan, (way) => led(way, addresses, (address) => [address])),
  )

/** The same with one private address, and what the name server says of it. */
const answered = (
  id: string,
  tries: string,
  answer: (address: string) => readonly string[],
  threat: Probe['threat'] = 'addresses-behind-names',
): Probe =>
  probe(id, threat, tries, ({ plan }) =>
    byName(plan, (way) => led(way, closedOf(way, PRIVATE).slice(0, 1), answer)),
  )

export const addressProbes: readonly Probe[] = [
  behind('private', 'a private address', PRIVATE),
  behind('private6', 'a private IPv6 address', PRIVATE6),
  behind('shared', 'an address of a carrier or of a cloud (100.64.0.0/10)', ['100.64.1.1', '100.127.9.9']),
  behind('link-local', 'an address of the link', ['169.254.7.7', '169.254.1.1']),
  behind('reserved', 'a reserved address', ['192.0.2.1', '198.18.5.5', '203.0.113.7']),
  behind('embedded', 'an IPv6 address with a private IPv4 address in it', [
    '64:ff9b::a14:1e28',
    '2002:a14:1e28::1',
    '2001:0:a14:1e28::1',
  ]),
  answered(
    'mapped',
    'connect to an allowed name that leads to a private address spelled as IPv6',
    (address) => [`::ffff:${address}`],
    'spelling',
  ),
  answered('mixed', 'have a private address dialled among public ones', (address) => [address, PUBLIC]),
  answered('alias', 'have a private address dialled behind a chain of aliases', (address) => [
    '=one.glovebox-probe.invalid',
    '=two.corp',
    address,
  ]),
  probe('rebinding', 'rebinding', 'have a name move to a private address after it was checked', ({ plan }) =>
    byName(plan, (way) => rebinding(way, PRIVATE)),
  ),
  probe(
    'rebinding6',
    'rebinding',
    'have a name move to a private IPv6 address after it was checked',
    ({ plan }) => byName(plan, (way) => rebinding(way, PRIVATE6)),
  ),
]

/** One connection an address, for which the name server then gives `answer`; none may reach any of them. */
function led(
  way: NamedWay,
  addresses: readonly string[],
  answer: (address: string) => readonly string[],
): Trial | Pointless {
  const closed = closedOf(way, addresses)
  if (closed.length === 0) return OPENED
  return scene(
    ({ resolver }) =>
      closed.map(() => reaching(['tcp', `${way.name}@${resolver}`, `${way.port}`, fitting(way)], ...closed)),
    { zone: { [way.name]: closed.map(answer) } },
  )
}

const OPENED: Pointless = { pointless: 'the rule opens every address that would be tried' }

/** The first lookup says it is public, every later one that it is private. In the open the second connection goes there. */
function rebinding(way: NamedWay, addresses: readonly string[]): Trial | Pointless {
  const [address] = closedOf(way, addresses)
  if (address === undefined) return OPENED
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

/** Those that no rule for the name opens. */
function closedOf({ rules }: NamedWay, addresses: readonly string[]): string[] {
  return addresses.filter((address) =>
    rules.every((rule) => classifyAddress(address, rule.private, []).verdict !== 'allow'),
  )
}
