/** Metadata services of clouds: nothing opens them. */
import type { Probe } from '../probe.js'
import { fitting, PLAIN } from './bytes.js'
import { byName, reaching, scene } from './place.js'

/** AWS (also of containers and pods), Alibaba, Azure, Oracle, Google. */
export const METADATA_ADDRESSES = [
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
] as const

const NAMES = [
  'metadata.google.internal',
  'metadata.goog',
  'instance-data.ec2.internal',
  'metadata.tencentyun.com',
]

const probe = (id: string, tries: string, trial: Probe['trial']): Probe => ({
  id: `metadata.${id}`,
  claim: 'network.no-metadata',
  threat: 'metadata',
  tries,
  trial,
})

export const metadataProbes: readonly Probe[] = [
  probe('addresses', 'connect to a metadata service, each address', () =>
    scene(() =>
      METADATA_ADDRESSES.flatMap((address) => [
        ['tcp', address, '80', PLAIN] as const,
        ['tcp', address, '443', PLAIN] as const,
      ]),
    ),
  ),
  probe('names', 'look up the name of a metadata service', () =>
    scene(({ resolver }) => NAMES.map((name) => ['dns', resolver, name, '1'] as const)),
  ),
  probe('behind-names', 'connect to a name that leads to a metadata service, each address', ({ plan }) =>
    byName(plan, (way) =>
      scene(
        ({ resolver }) =>
          METADATA_ADDRESSES.map((address) =>
            reaching(['tcp', `${way.name}@${resolver}`, `${way.port}`, fitting(way)], address),
          ),
        { zone: { [way.name]: METADATA_ADDRESSES.map((address) => [address]) } },
      ),
    ),
  ),
]
