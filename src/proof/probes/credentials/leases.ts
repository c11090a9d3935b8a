/** After the end of a lease: its time, its uses, its revocation. */
import type { Probe } from '../probe.js'
import { bearing, type SecretPlace, type SecretScene, secretProbe, secretScene, textOf } from './scene.js'

const TTL_MS = 1000
/** until it is over, whenever it began */
const LATER_MS = 1300
const PATIENCE_MS = 5000
const MORE = 'what came after the end'

const probe = (
  id: string,
  tries: string,
  act: Parameters<typeof secretScene>[1],
  scene: SecretScene = {},
): Probe =>
  secretProbe(
    id,
    'credentials.leased',
    'credential-after-end',
    tries,
    secretScene('a request after the end', act, scene),
  )

const arrivals = ({ requests, value }: SecretPlace) =>
  requests.filter((each) => textOf(each).includes(value)).length

export const leaseProbes: readonly Probe[] = [
  probe(
    'uses',
    'use a credential once more than it may be',
    async (place) => {
      await place.ask({ headers: bearing(place) ?? [] })
      const answer = await place.ask({ headers: bearing(place) ?? [] })
      return { reached: arrivals(place) > 1, answer, detail: `${arrivals(place)} arrived` }
    },
    { changes: { uses: 1 } },
  ),
  probe(
    'time',
    'use a credential when its time is over',
    async (place) => {
      await place.bench.view.after(LATER_MS)
      const answer = await place.ask({ headers: bearing(place) ?? [] })
      return { reached: arrivals(place) > 0, answer }
    },
    { changes: { ttlMs: TTL_MS } },
  ),
  probe('revoked', 'use a credential that was revoked', async (place) => {
    await place.end()
    const answer = await place.ask({ headers: bearing(place) ?? [] })
    return { reached: arrivals(place) > 0, answer }
  }),
  probe(
    'under-way',
    'go on with a request that carried a credential when it is revoked',
    async (place) => {
      const asking = place.ask({ headers: bearing(place) ?? [] })
      await place.bench.view.until(() => arrivals(place) > 0, PATIENCE_MS)
      await place.end()
      place.goOn()
      const answer = await asking
      return { reached: answer.body.includes(MORE), answer }
    },
    { answer: (_request, _value, wait) => ({ pieces: inTwo(wait) }) },
  ),
]

async function* inTwo(wait: Promise<void>): AsyncGenerator<Uint8Array> {
  yield Buffer.from('the beginning\n')
  await wait
  yield Buffer.from(MORE)
}
