/** Fronting: on a TLS port, what asks for another name than the one that was looked up, or for none. */
import type { Pointless, Probe, Trial } from '../probe.js'
import type { ThreatId } from '../threats.js'
import { HIDDEN, hello, hex, serverName } from './bytes.js'
import { byName, type NamedWay, scene } from './place.js'

const BOTH = ['tls', 'web'] as const
const OTHER = 'other.glovebox-probe.invalid'

const probe = (
  id: string,
  tries: string,
  trial: (way: NamedWay) => Trial | Pointless,
  only: readonly ('tls' | 'web')[] = BOTH,
  threat: ThreatId = 'fronting',
): Probe => ({
  id: `tls.${id}`,
  claim: 'network.tls-name',
  threat,
  tries,
  trial: ({ plan }) => byName(plan, trial, only),
})

const sent =
  (bytes: (way: NamedWay) => string, ...how: string[]) =>
  (way: NamedWay) =>
    scene(({ resolver }) => [['tcp', `${way.name}@${resolver}`, `${way.port}`, bytes(way), ...how]])

export const tlsProbes: readonly Probe[] = [
  probe(
    'other-name',
    'ask for another name in the ClientHello',
    sent(() => hello([OTHER])),
  ),
  probe(
    'no-name',
    'ask for no name in the ClientHello',
    sent(() => hello([null])),
  ),
  probe(
    'two-names',
    'ask for two names in one list',
    sent(({ name }) => hello([name, OTHER])),
  ),
  probe(
    'two-lists',
    'ask for two names in two lists',
    sent(({ name }) => hello([name], [serverName(OTHER)])),
  ),
  probe(
    'hidden-name',
    'hide the name that is asked for',
    sent(() => hello([OTHER], [HIDDEN])),
  ),
  probe(
    'in-pieces',
    'ask for another name, one byte at a time',
    sent(() => hello([OTHER]), '0', '1'),
  ),
  probe(
    'padded-name',
    'ask for the name with a NUL and another behind it',
    sent(({ name }) => hello([`${name}\0.${OTHER}`])),
  ),
  probe(
    'longer-name',
    'ask for a name that the allowed one is the beginning of',
    sent(({ name }) => hello([`${name}.${OTHER}`])),
    BOTH,
    'suffixes',
  ),
  probe(
    'like-name',
    'ask for a name that ends as the allowed one does',
    sent(({ name }) => hello([`glovebox-probe-${name}`])),
    BOTH,
    'suffixes',
  ),
  probe(
    'http',
    'speak clear HTTP on a TLS port',
    sent(({ name }) => hex(`GET / HTTP/1.1\r\nHost: ${name}\r\n\r\n`)),
    ['tls'],
  ),
  probe(
    'no-tls',
    'speak anything on a TLS port',
    sent(() => hex('SSH-2.0-glovebox-probe\r\n')),
    ['tls'],
  ),
]
