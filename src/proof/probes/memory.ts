/** Memory beyond the limit, wherever it could be held. */
import {
  type Attempt,
  type Bench,
  type Given,
  type Inside,
  type Probe,
  type Trial,
  type Tried,
  UNTOLD,
} from './probe.js'
import { littleMemoryPlan, MIB, memoryPlan, tooMuchMemory } from './scaled.js'

type Kind = readonly [kind: string, folder?: string]

/** Each in a sandbox of its own: with the limit all of it ends. `ok` means that the program held all that it asked for. */
function held(
  { plan: given, machine }: Given,
  kinds: readonly Kind[],
  scaled: typeof memoryPlan = littleMemoryPlan,
): Trial {
  const plan = scaled(given, machine)
  const mib = tooMuchMemory(plan)
  const attempts = (at: (folder: string) => string): Attempt[] =>
    kinds.map(([kind, folder]) => ({
      words: ['eat', kind, `${mib}`, ...(folder === undefined ? [] : [at(folder)])],
    }))
  return {
    alone: true,
    ...(mib * MIB > machine.memAvailableBytes / 4
      ? { unsafe: 'this machine has little memory to spare, and a control would take a quarter of it' }
      : {}),
    inside: async (bench) => {
      const tried: Tried[] = []
      for (const each of attempts((folder) => folder))
        tried.push(...endedForMemory(await bench.inside([each], plan)))
      return tried
    },
    // in namespaces of its own: killed, it leaves no segment
    control: ({ open, decoys }: Bench) =>
      open(
        attempts(() => decoys.folder),
        'privileged',
      ),
  }
}

/** An attempt that is ended by the limit says nothing: the run says it. */
function endedForMemory({ tried, run }: Inside): Tried[] {
  const { reason } = run.outcome.verdict
  return tried.map((each) =>
    each.look.result === UNTOLD && reason === 'memory'
      ? { ...each, look: { result: reason, detail: '' } }
      : each,
  )
}

const probe = (id: string, tries: string, trial: Probe['trial']): Probe => ({
  id: `memory.${id}`,
  claim: 'limits.memory',
  threat: 'memory',
  tries,
  trial,
})

export const memoryProbes: readonly Probe[] = [
  probe('process', 'hold more memory than granted in one process', (given) =>
    held(given, [['own']], memoryPlan),
  ),
  probe('together', 'hold more memory than granted in many small processes', (given) =>
    held(given, [['together']]),
  ),
  probe('files', 'hold more memory than granted in files of tmpfs', (given) =>
    held(given, [
      ['file', '/tmp'],
      ['file', '/dev/shm'],
    ]),
  ),
  probe('shared', 'hold more memory than granted in shared segments and memory files', (given) =>
    held(given, [['sysv-shm'], ['mapping'], ['memfd']]),
  ),
  probe('page-tables', 'hold more memory than granted in page tables', (given) =>
    held(given, [['page-tables']]),
  ),
  probe('buffers', 'hold more memory than granted in buffers of sockets and pipes', (given) =>
    held(given, [['sockets'], ['pipes']]),
  ),
]
