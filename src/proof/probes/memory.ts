/** Memory beyond the limit, wherever it could be held. */
import type { Attempt, Bench, Probe, Trial, Tried } from './probe.js'
import { littleMemoryPlan, memoryPlan, tooMuchMemory } from './scaled.js'

type Kind = readonly [kind: string, folder?: string]

/** Each in a sandbox of its own: with the limit all of it ends. `ok` means that the program held all that it asked for. */
function held(kinds: readonly Kind[], scaled: typeof memoryPlan = littleMemoryPlan): Trial {
  const attempts = (mib: number, at: (folder: string) => string): Attempt[] =>
    kinds.map(([kind, folder]) => ({
      words: ['eat', kind, `${mib}`, ...(folder === undefined ? [] : [at(folder)])],
    }))
  return {
    alone: true,
    inside: async (bench) => {
      const plan = scaled(bench.plan, bench.machine)
      const tried: Tried[] = []
      for (const each of attempts(tooMuchMemory(plan), (folder) => folder))
        tried.push(...(await bench.inside([each], plan)).tried)
      return tried
    },
    control: (bench: Bench) =>
      bench.open(attempts(tooMuchMemory(scaled(bench.plan, bench.machine)), () => bench.decoys.folder)),
  }
}

const probe = (id: string, tries: string, trial: () => Trial): Probe => ({
  id: `memory.${id}`,
  claim: 'limits.memory',
  threat: 'memory',
  tries,
  trial,
})

export const memoryProbes: readonly Probe[] = [
  probe('process', 'hold more memory than granted in one process', () => held([['own']], memoryPlan)),
  probe('together', 'hold more memory than granted in many small processes', () => held([['together']])),
  probe('files', 'hold more memory than granted in files of tmpfs', () =>
    held([
      ['file', '/tmp'],
      ['file', '/dev/shm'],
    ]),
  ),
  probe('shared', 'hold more memory than granted in shared segments and memory files', () =>
    held([['sysv-shm'], ['mapping'], ['memfd']]),
  ),
  probe('page-tables', 'hold more memory than granted in page tables', () => held([['page-tables']])),
  probe('buffers', 'hold more memory than granted in buffers of sockets and pipes', () =>
    held([['sockets'], ['pipes']]),
  ),
]
