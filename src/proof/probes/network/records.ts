/** The report: an attempt that is missing there went unseen. */
import type { NetworkAttempt } from '../../../report/index.js'
import type { Bench, Pointless, Probe, Trial } from '../probe.js'
import { fitting, PLAIN } from './bytes.js'
import { byName, deniedAddresses, deniedName, type Place, scene } from './place.js'

type Words = readonly [string, ...string[]]

const probe = (id: string, tries: string, trial: Probe['trial']): Probe => ({
  id: `records.${id}`,
  claim: 'network.recorded',
  threat: 'unseen',
  tries,
  trial,
})

export const recordProbes: readonly Probe[] = [
  probe('denied', 'connect to an address without being seen', ({ plan }) => {
    const [address] = deniedAddresses(plan, ['1.1.1.1', '10.20.30.40'], 8080)
    if (address === undefined) return { pointless: 'rules name every address that would be tried' }
    return unseen(
      () => ['tcp', address, '8080', PLAIN],
      (each) => each.address === address && each.port === 8080 && each.verdict !== 'allow',
    )
  }),
  probe('allowed', 'connect to an allowed host without being seen', ({ plan }) =>
    byName(plan, (way) =>
      unseen(
        ({ resolver }) => ['tcp', `${way.name}@${resolver}`, `${way.port}`, fitting(way)],
        (each) => each.name === way.name && each.port === way.port && each.verdict === 'allow',
      ),
    ),
  ),
  probe('name', 'look up a name without being seen', ({ plan }) =>
    unseen(
      ({ resolver }) => ['dns', resolver, deniedName(plan), '1'],
      (each) => each.name === deniedName(plan),
    ),
  ),
  probe('datagram', 'send a datagram without being seen', () =>
    unseen(
      ({ world }) => ['udp', world.echoes[0], `${world.echoPort}`, PLAIN],
      (each) => each.protocol === 'udp' && each.verdict === 'denyDatagram',
    ),
  ),
]

/** The same attempt in the open really goes somewhere. */
function unseen(
  words: (place: Place) => Words,
  isIt: (attempt: NetworkAttempt) => boolean,
): Trial | Pointless {
  const { control } = scene((place) => [words(place)])
  return {
    world: true,
    control,
    inside: async (bench: Bench) => {
      const { world } = bench.decoys
      if (world === null) throw new RangeError('a scene without a world')
      const place = { inside: true, bench, world, resolver: bench.plan.network?.resolver ?? world.resolver }
      const { tried, run } = await world.scene({}, () => bench.inside([{ words: words(place) }]))
      return tried.map((each) => ({
        ...each,
        attempt: `unseen in the report: ${each.attempt}`,
        reached: !run.attempts.some(isIt),
      }))
    },
  }
}
