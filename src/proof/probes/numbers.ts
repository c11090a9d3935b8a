/** More processors, processes, descriptors and output than granted, and core dumps. */
import type { Attempt, Bench, Given, Look, Pointless, Probe, Trial, Tried } from './probe.js'
import { attempt, refused } from './refused.js'
import {
  descriptorPlan,
  MORE_DESCRIPTORS,
  MORE_PROCESSES,
  outputPlan,
  PROCESSOR_WINDOW_MS,
  processorNumberPlan,
  processorTimePlan,
  processPlan,
  tooManyProcessors,
} from './scaled.js'

const moreThan = (limit: number) => (look: Look) => look.result === 'ok' && Number(look.detail) > limit

/** A busy machine gives less for a while: it is not to look like a limit. */
const WINDOWS = 3
/** A machine that is busy gives the control less than it could have: it is asked until it has had enough. */
const CONTROL_WINDOWS = 12
/** for each processor: among what else runs, so many have most of it */
const THREADS_EACH = 6

function processorTime({ plan, host }: Given): Trial | Pointless {
  const scaled = processorTimePlan(plan, host)
  if (scaled === null) return { pointless: 'processors are granted by number, not as time' }
  const limit = tooManyProcessors(scaled) * 100
  const threads = Math.min(48, THREADS_EACH * host.cpus)
  const spin = attempt(['spin', `${threads}`, `${PROCESSOR_WINDOW_MS}`], moreThan(limit))
  return {
    alone: true,
    inside: async (bench) => (await bench.inside(Array(WINDOWS).fill(spin), scaled)).tried,
    control: (bench) => again(bench, spin, CONTROL_WINDOWS),
  }
}

async function again(bench: Bench, each: Attempt, times: number): Promise<readonly Tried[]> {
  const tried = await bench.open([each])
  return times === 1 || tried.every(({ reached }) => reached) ? tried : again(bench, each, times - 1)
}

function affinity({ plan, host }: Given): Trial | Pointless {
  const scaled = processorNumberPlan(plan, host)
  if (scaled === null)
    return { pointless: host.cpus < 2 ? 'this machine has one processor' : 'processors are granted as time' }
  const granted = scaled.limits.cpus ?? 0
  // those that it starts with, and those that it has when it asks for all of them
  const attempts = ['mine', 'all'].map((which) => attempt(['processors', which], moreThan(granted)))
  return {
    inside: async (bench) => (await bench.inside(attempts, scaled)).tried,
    control: (bench) => bench.open(attempts),
  }
}

function together(kinds: readonly string[]): (given: Given) => Trial {
  return ({ plan }) => {
    const scaled = processPlan(plan)
    const limit = scaled.limits.processes ?? 0
    const attempts = kinds.map((kind): Attempt => {
      return {
        words: ['together', kind, `${limit + MORE_PROCESSES}`],
        reached: (look) => Number(look.detail) > limit,
      }
    })
    return {
      inside: async (bench) => (await bench.inside(attempts, scaled)).tried,
      control: (bench) => bench.open(attempts),
    }
  }
}

function descriptors({ plan, machine }: Given): Trial {
  const scaled = descriptorPlan(plan, machine)
  const { openFiles } = scaled.limits
  const attempts = [
    attempt(['descriptors', 'open', `${openFiles + 1}`]),
    attempt(['descriptors', 'high', `${openFiles}`]),
    attempt(['descriptors', 'raise', `${openFiles + MORE_DESCRIPTORS}`]),
  ]
  return {
    inside: async (bench) => (await bench.inside(attempts, scaled)).tried,
    control: (bench) => bench.open(attempts),
  }
}

/** Of standard output and error together. What comes out is counted here, not believed. */
function flood({ plan }: Given): Trial {
  const scaled = outputPlan(plan)
  const limit = scaled.limits.outputBytes
  const wanted = limit + 2 * 65_536
  const told = (bytes: number, reached: boolean, more = ''): Tried => ({
    attempt: `write ${wanted} bytes, where ${limit} are granted`,
    look: { result: reached ? 'ok' : 'ended', detail: `${bytes} came out${more}` },
    reached,
  })
  return {
    inside: async (bench) => {
      const { run } = await bench.inside([attempt(['flood', 'both', `${wanted}`])], scaled)
      const bytes = run.stdout.length + run.stderr.length
      const { reason } = run.outcome.verdict
      return [told(bytes, bytes > limit || reason !== 'output', `, reason ${reason}`)]
    },
    control: async (bench) => {
      const child = bench.start(attempt(['flood', '1', `${wanted}`]))
      await bench.view.until(() => child.stdout().length >= wanted, 10_000)
      await child.end()
      return [told(child.stdout().length, child.stdout().length > limit)]
    },
  }
}

/** What the kernel does with a crash of the control's: nothing of the host may be given one. */
function crash({ machine }: Given): Trial | Pointless {
  if (machine.hard.coreBytes !== null && machine.hard.coreBytes < 4096)
    return { pointless: 'this process may not dump core itself, so there is no control' }
  const plain = !/^[|@]|\//.test(machine.corePattern)
  return refused(() => [['crash', '/tmp']], {
    control: ({ decoys }) => [['crash', decoys.folder]],
    ...(plain
      ? {}
      : {
          unsafe: `the crash of a control would be told to the host, by core_pattern ${machine.corePattern}`,
        }),
  })
}

const RLIMIT_CORE = '4'

const probe = (id: string, rest: Omit<Probe, 'id'>): Probe => ({ id, ...rest })

export const numberProbes: readonly Probe[] = [
  probe('processors.time', {
    claim: 'limits.cpus',
    threat: 'processors',
    tries: 'use more processor time than granted, in many threads',
    trial: processorTime,
  }),
  probe('processors.affinity', {
    claim: 'limits.cpus',
    threat: 'processors',
    tries: 'run on processors that were not granted',
    trial: affinity,
  }),
  probe('processes.forks', {
    claim: 'limits.processes',
    threat: 'fork-bombs',
    tries: 'have more processes than granted, by fork and vfork',
    trial: together(['forks', 'chain']),
  }),
  probe('processes.threads', {
    claim: 'limits.processes',
    threat: 'fork-bombs',
    tries: 'have more threads than granted',
    trial: together(['threads']),
  }),
  probe('descriptors.more', {
    claim: 'limits.open-files',
    threat: 'descriptors',
    tries: 'hold more descriptors than granted, or be granted more',
    trial: descriptors,
  }),
  probe('output.flood', {
    claim: 'limits.output',
    threat: 'output-floods',
    tries: 'write more output than granted',
    trial: flood,
  }),
  probe('cores.crash', {
    claim: 'limits.no-core-dumps',
    threat: 'core-dumps',
    tries: 'crash, and have it dumped',
    trial: crash,
  }),
  probe('cores.limit', {
    claim: 'limits.no-core-dumps',
    threat: 'core-dumps',
    tries: 'set the limit of core dumps to that with which the host starts its handler',
    trial: () =>
      refused(() => [
        ['set-rlimit', RLIMIT_CORE, '0', '0'],
        ['set-rlimit-raw', RLIMIT_CORE, '0', '0'],
      ]),
  }),
]
