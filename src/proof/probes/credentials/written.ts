/** What Glovebox writes down of a job that has got hold of a value. */
import type { Bench, Probe, Tried } from '../probe.js'
import { ELSEWHERE } from './decoys.js'
import { playSecret, type SecretPlace, secretProbe } from './scene.js'

const OTHER = 'a-word-that-is-no-value'

export const writtenProbes: readonly Probe[] = [
  secretProbe(
    'report',
    'credentials.not-written',
    'credential-written',
    'have the value written into the report, in a path that is refused',
    {
      world: true,
      inside: (bench) => written(bench, ({ value }) => value),
      // what is no value is there, as it was
      control: (bench) => written(bench, () => OTHER),
    },
  ),
]

function written(bench: Bench, word: (place: SecretPlace) => string): Promise<readonly Tried[]> {
  let sought = ''
  return playSecret(
    bench,
    'a request with it in the path',
    async (place) => {
      sought = word(place)
      const answer = await place.ask({ path: `/${sought}` }, { host: ELSEWHERE, port: 443 })
      return { reached: false, answer }
    },
    { inside: true, judged: ({ attempts }) => JSON.stringify(attempts).includes(sought) },
  )
}
