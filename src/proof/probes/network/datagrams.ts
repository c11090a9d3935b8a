/** Datagrams: none leaves. */
import type { Probe } from '../probe.js'
import { PLAIN } from './bytes.js'
import { byName, scene } from './place.js'

const probe = (id: string, tries: string, trial: Probe['trial']): Probe => ({
  id: `datagrams.${id}`,
  claim: 'network.no-datagrams',
  threat: 'datagrams',
  tries,
  trial,
})

/** The first byte of a QUIC packet with a long header, and its version. */
const QUIC = `c000000001${'00'.repeat(40)}`

export const datagramProbes: readonly Probe[] = [
  probe('udp', 'send a datagram to an address', () =>
    scene(({ world }) => [
      ['udp', world.echoes[0], `${world.echoPort}`, PLAIN],
      ['udp', world.echoes[0], `${world.echoPort}`, PLAIN, 'unconnected'],
    ]),
  ),
  probe('udp6', 'send a datagram to an IPv6 address', () =>
    scene(({ world }) => [
      ['udp', world.echoes[1], `${world.echoPort}`, PLAIN],
      ['udp', world.echoes[1], `${world.echoPort}`, PLAIN, 'unconnected'],
    ]),
  ),
  probe('quic', 'speak QUIC with an allowed host', ({ plan }) =>
    byName(plan, ({ name }) =>
      scene(({ resolver, world }) => [['udp', `${name}@${resolver}`, `${world.echoPort}`, QUIC]], {
        zone: { [name]: [['9.9.9.10']] },
      }),
    ),
  ),
  probe('ping', 'ping an address', () => scene(() => [['ping', '1.1.1.1']])),
  probe('ping6', 'ping an IPv6 address', () => scene(() => [['ping', '2606:4700::1111']])),
  probe('raw', 'make raw packets and frames', () =>
    scene(
      () => [
        ['socket', '2', '3', '1'],
        ['socket', '2', '3', '255'],
        ['socket', '10', '3', '58'],
        ['socket', '17', '3', '768'],
      ],
      { where: 'privileged' },
    ),
  ),
]
