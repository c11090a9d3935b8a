/**
 * The numbers under which probes try, all in one place: a plan's own where they can be tried on a machine in use, else
 * smaller ones of the same mechanism. A limit of 64 GiB is the same file of a cgroup as one of 64 MiB. Pure.
 */
import { hasOwnKernel, isOfEngine } from '../../boundary/index.js'
import type { HostFacts } from '../../host/index.js'
import type { Plan } from '../../plan/index.js'
import type { Machine } from './probe.js'

export const MIB = 1024 ** 2

type Limits = Plan['limits']

interface Changes {
  readonly limits?: Partial<Limits>
  readonly scratch?: Partial<Plan['files']['scratch']>
  readonly lifetime?: Partial<Plan['lifetime']>
}

function changed(plan: Plan, { limits, scratch, lifetime }: Changes): Plan {
  return {
    ...plan,
    limits: { ...plan.limits, ...limits },
    lifetime: { ...plan.lifetime, ...lifetime },
    files: { ...plan.files, scratch: { ...plan.files.scratch, ...scratch } },
  }
}

const atLeast = (value: number | null, least: number) => (value === null ? null : Math.max(value, least))

/** One that hangs is over by then, ms. */
const LONG_MS = 60_000

/**
 * What the program of the probes itself needs, for a policy that is smaller than that: half a processor, 800 KiB of scratch, a few
 * processes, and words to say. Every probe's plan has it, but for the number that it tries.
 */
export function roomy(plan: Plan): Plan {
  const { limits, files } = plan
  const { bytes, inodes } = files.scratch
  return changed(plan, {
    limits: {
      memoryBytes: atLeast(limits.memoryBytes, 64 * MIB),
      cpus: atLeast(limits.cpus, 0.5),
      perProcessMemoryBytes: atLeast(limits.perProcessMemoryBytes, 64 * MIB),
      processes: atLeast(limits.processes, 16),
      openFiles: Math.max(limits.openFiles, 64),
      outputBytes: Math.max(limits.outputBytes, 4 * MIB),
    },
    scratch: { bytes: Math.max(bytes, 16 * MIB), inodes: Math.max(inodes, 1024) },
    lifetime: { deadlineMs: LONG_MS, noOutputMs: null },
  })
}

/**
 * The plan's own limit up to 256 MiB, and no more than a sixth of what the machine has to spare: the control takes a quarter more than
 * that. Scratch is larger, so that it is not what ends the attempt.
 */
export function memoryPlan(plan: Plan, { memAvailableBytes }: Machine): Plan {
  const spare = Math.floor(memAvailableBytes / 6)
  return ofMemory(plan, Math.max(32 * MIB, Math.min(plan.limits.memoryBytes ?? 0, 256 * MIB, spare)))
}

/** For the many ways to hold memory: what counts is that each is counted. Pipes of an ordinary user hold 64 MiB at most. */
export function littleMemoryPlan(plan: Plan): Plan {
  return ofMemory(plan, 32 * MIB)
}

/** What is asked for, MiB: a quarter more than there is. */
export const tooMuchMemory = ({ limits }: Plan) => Math.ceil(((limits.memoryBytes ?? 0) / MIB) * 1.25)

function ofMemory(plan: Plan, memoryBytes: number): Plan {
  return changed(roomy(plan), {
    limits: { memoryBytes, processes: atLeast(plan.limits.processes, 64), openFiles: 256 },
    scratch: { bytes: 2 * memoryBytes, inodes: 4096 },
  })
}

/** By a cgroup of ours, or by an engine's. */
function grantsTime({ boundary }: Plan, { cgroups, engine }: HostFacts): boolean {
  const { controllers } = isOfEngine(boundary) && engine?.kind === 'here' ? engine.engine : cgroups
  return controllers.includes('cpu')
}

/**
 * Where processors are granted as time: a thirty-second of the machine, whatever the plan grants, because a control must have more than
 * what is granted on a busy machine, too. `null`: they are granted by number.
 */
export function processorTimePlan(plan: Plan, host: HostFacts): Plan | null {
  if (plan.limits.cpus === null || !grantsTime(plan, host)) return null
  return changed(roomy(plan), { limits: { cpus: host.cpus / 32 } })
}

/** Where they are granted by number: one less than the machine has. `null`: as time, or it has no other. */
export function processorNumberPlan(plan: Plan, host: HostFacts): Plan | null {
  const { cpus } = plan.limits
  if (cpus === null || grantsTime(plan, host) || host.cpus < 2) return null
  return changed(roomy(plan), { limits: { cpus: Math.min(cpus, host.cpus - 1) } })
}

/**
 * ms that are measured. A quota is kept in periods of 100 ms, of which one more than there are may lie at the edges, and each processor may
 * run a tick (10 ms) into debt: together that is half more than granted. Twice as much was not held.
 */
export const PROCESSOR_WINDOW_MS = 800
export const tooManyProcessors = ({ limits }: Plan) => (limits.cpus ?? 0) * 2

/** The plan's own number up to 64: the control makes as many beside the machine's own work. */
export function processPlan(plan: Plan): Plan {
  const processes = Math.min(64, Math.max(4, plan.limits.processes ?? 0))
  return changed(roomy(plan), { limits: { processes } })
}

/** So many more than allowed are asked for. */
export const MORE_PROCESSES = 8

/** The plan's own number up to 1024, and what the caller may open itself: else the control could not show that there are more. */
export function descriptorPlan(plan: Plan, { hard }: Machine): Plan {
  const mine = (hard.openFiles ?? Number.POSITIVE_INFINITY) - 2 * MORE_DESCRIPTORS
  return changed(roomy(plan), {
    limits: { openFiles: Math.max(16, Math.min(plan.limits.openFiles, 1024, mine)) },
  })
}

export const MORE_DESCRIPTORS = 64

/** Up to 1 MiB: what comes out is held in memory here. */
export function outputPlan(plan: Plan): Plan {
  return changed(roomy(plan), { limits: { outputBytes: Math.min(plan.limits.outputBytes, MIB) } })
}

/** 4 MiB and 512 files: the control fills a folder of the host's disk with a little more. */
export function scratchPlan(plan: Plan): Plan {
  return changed(roomy(plan), { scratch: { bytes: 4 * MIB, inodes: 512 } })
}

/** Time enough for the program to be seen alive, even on a busy machine: each is longer than the last. */
export const SHORT_MS = [700, 2_000, 6_000] as const

export function deadlinePlan(plan: Plan, deadlineMs: number): Plan {
  return changed(roomy(plan), { lifetime: { deadlineMs, noOutputMs: null } })
}

export function silencePlan(plan: Plan, noOutputMs: number): Plan {
  return changed(roomy(plan), { lifetime: { deadlineMs: LONG_MS, noOutputMs } })
}

/** By then a run that should end by itself did not, whatever else this machine does, ms. */
export const OVERDUE_MS = 10_000

/** A folder more in scratch, by whose name its mount would be found on the host. */
export function withPlace(plan: Plan, place: string): Plan {
  return changed(plan, { scratch: { places: [...plan.files.scratch.places, place] } })
}

/** What a collection may hold. The control's files of that size are holes. */
export const OUTPUT_SCRATCH_BYTES = 8 * MIB

export function outputsPlan(plan: Plan): Plan {
  return changed(roomy(plan), { scratch: { bytes: OUTPUT_SCRATCH_BYTES, inodes: 1024 } })
}

/**
 * A sandbox that the host's view finds by the word: in its program's arguments; or, where the job's kernel keeps these to itself, in the
 * name of a mount.
 */
export function findable(plan: Plan, word: string): Plan {
  return hasOwnKernel(plan.boundary) || plan.boundary === 'microvm' ? withPlace(plan, `/${word}`) : plan
}
