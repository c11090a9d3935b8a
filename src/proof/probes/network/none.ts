/** No network: nothing at all answers, and nothing of it can be had. */
import type { Probe } from '../probe.js'
import { PLAIN } from './bytes.js'
import { METADATA_ADDRESSES } from './metadata.js'
import { scene } from './place.js'

const SERVICE = 4477

const probe = (id: string, tries: string, trial: Probe['trial']): Probe => ({
  id: `none.${id}`,
  claim: 'network.none',
  threat: 'no-network',
  tries,
  trial,
})

export const noNetworkProbes: readonly Probe[] = [
  probe('tcp', 'connect to an address of the internet', () =>
    scene(() => [
      ['tcp', '1.1.1.1', '443', PLAIN],
      ['tcp', '8.8.8.8', '80', PLAIN],
    ]),
  ),
  probe('tcp6', 'connect to an IPv6 address of the internet', () =>
    scene(() => [['tcp', '2606:4700::1111', '443', PLAIN]]),
  ),
  probe('private', 'connect to an address of a private network', () =>
    scene(() => [
      ['tcp', '10.20.30.40', '80', PLAIN],
      ['tcp', '192.168.7.7', '22', PLAIN],
    ]),
  ),
  probe('fast-open', 'send data with the first packet of a connection', () =>
    scene(() => [['fast-open', '1.1.1.1', '80', PLAIN]]),
  ),
  probe('udp', 'send a datagram', () =>
    scene(({ world }) => [['udp', world.echoes[0], `${world.echoPort}`, PLAIN]]),
  ),
  probe('udp6', 'send a datagram by IPv6', () =>
    scene(({ world }) => [['udp', world.echoes[1], `${world.echoPort}`, PLAIN, 'unconnected']]),
  ),
  probe('names', 'ask a name server', () =>
    scene(({ world }) => [['dns', world.resolver, 'glovebox-probe.net', '1']]),
  ),
  probe('ping', 'ping an address', () => scene(() => [['ping', '1.1.1.1']])),
  probe('loopback', "connect to the host's loopback", () =>
    scene(
      () => [
        ['tcp', '127.0.0.1', `${SERVICE}`, PLAIN],
        ['tcp', '::1', `${SERVICE}`, PLAIN],
      ],
      { service: SERVICE },
    ),
  ),
  probe('own-addresses', "connect to the host's own addresses", () =>
    scene(({ world }) => world.own.map((address) => ['tcp', address, `${SERVICE}`, PLAIN] as const), {
      service: SERVICE,
    }),
  ),
  probe('metadata', 'connect to a metadata service, each address', () =>
    scene(() => METADATA_ADDRESSES.map((address) => ['tcp', address, '80', PLAIN] as const)),
  ),
  probe('raw', 'make raw frames', () =>
    scene(
      () => [
        ['socket', '2', '3', '1'],
        ['socket', '17', '3', '768'],
      ],
      { where: 'privileged' },
    ),
  ),
  probe('interfaces', 'set up an interface', () =>
    scene(() => [['toggle-loopback'], ['add-address', '203.0.113.9']], { where: 'privileged' }),
  ),
]
