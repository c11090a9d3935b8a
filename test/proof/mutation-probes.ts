/**
 * Looks at one mechanism each, where no probe of `glovebox verify` isolates it; each says why it is none. Their
 * control is the missing wall: in the open, only that the program works is seen.
 */
import type { RequirementId } from '../../src/plan/index.js'
import type { Attempt, Probe } from '../../src/proof/probes/index.js'

type Seen = Parameters<NonNullable<Attempt['reached']>>[0]

function looks(
  id: string,
  claim: RequirementId,
  words: readonly [string, ...string[]],
  reached: (seen: Seen) => boolean,
): Probe {
  return {
    id: `looks.${id}`,
    claim,
    threat: 'host-processes',
    tries: id,
    trial: () => ({
      inside: async (bench) => (await bench.inside([{ words, reached }])).tried,
      control: (bench) => bench.open([{ words: ['there', '/'] }]),
    }),
  }
}

/** getrlimit(2) */
const RLIMIT_NPROC = '6'

export const LOOKS: readonly Probe[] = [
  // with a cgroup the limit is one higher than the cgroup's, which is met first: more processes than granted are one too many
  looks(
    'limit-processes',
    'limits.processes',
    ['rlimit', RLIMIT_NPROC],
    ({ detail }) => !(Number(detail) <= 1024),
  ),
  // it is what opens a folder to the job, so that an attack notices nothing when it is missing
  looks('owner', 'files.read-grants', ['list', '/given'], ({ result }) => result !== 'ok'),
]
