import type { HostFacts } from '../../host/index.js'
import type { InForce, Plan } from '../../plan/index.js'
import type { MechanismId } from '../answers/mechanisms.js'
import type { LaunchFailure } from './launch-failure.js'

/**
 * `here`: in the program's own namespace. `beyond`: one hop out, in another. `tap`: one hop out too, at the end of an interface `job` whose
 * frames the program says itself; see `native/cell/beyond.c`.
 */
export type NetworkPlace = 'here' | 'beyond' | 'tap'

/** The program that makes the wall: what a worker of cell becomes, or starts. It is all in which boundaries on this kernel differ. */
export interface WallProgram {
  /** cell's option for it */
  readonly option: '--bwrap' | '--oci' | '--sentry'
  /** absolute */
  path(host: HostFacts): string
  /** what cell is told of it besides */
  more(host: HostFacts): readonly string[]
  /** what the request has for it alone: its words, and how the root is laid out for it. Pure. */
  frames(plan: Plan, host: HostFacts, inForce: InForce): Buffer[]
  /** how many processes and threads of this kernel's are in the sandbox's cgroup at most, where the job may have so many */
  tasks(processes: number, host: HostFacts): number
  /** The job's kernel is the program's own, and none of this host's: what Linux's own parts hold a job by is not there. */
  readonly ownKernel: boolean
  /** the agent is handed no descriptors, and talked to over one stream */
  readonly carried: boolean
  /** where its network is, when the plan has one */
  readonly network: NetworkPlace
  /** of the host, in which the sandbox's own uid is, for a device that it is shown; absent or `null`: in none */
  readonly group?: number | null
  /** it sets no filter of ours byte by byte, so the job's first process does */
  readonly filterByAgent: boolean
  /** what it is told to do whatever a test leaves off: for these no `inForce` may ask */
  readonly keeps: readonly MechanismId[]
  /** what it said when a start failed, as a sentence and a remedy; `null`: that was not it */
  failure(text: string, host: HostFacts): LaunchFailure | null
}
