/**
 * The sandbox of the VMM itself: whoever gets out of the machine is in here. A plan of the process boundary like any job's, of which
 * QEMU is the one command: no capability, an own uid, our filter, a read-only view of its files, no network but the tap. Pure.
 */
import type { Plan } from '../../plan/index.js'
import type { Grant } from '../../policy/index.js'
import { nativePrograms } from '../cell/native.js'
import { JAIL, type MachineShape } from './vmm/machine.js'

const MiB = 1024 ** 2
/** Of QEMU itself, its translated code and its threads' stacks, MiB. */
const OWN_MEMORY = 192
/** QEMU has a thread for each processor, and some for files. */
const OWN_THREADS = 24
/** The machine's own clock ends a job first, and the supervisor's second, ms. */
const LATER_MS = 30_000
/** Where the machine that is saved leaves its memory and its state: all of it once, and what QEMU says besides. */
const BESIDE_MEMORY = 64

/** No program is started, no socket made, nothing looked into: all that QEMU is handed, it has open. */
const REFUSED = ['socket', 'connect', 'bind', 'listen', 'accept', 'accept4'] as const

interface Jail {
  readonly shape: MachineShape
  readonly grants: readonly Grant[]
  /** the job's, or of a machine that is saved */
  readonly plan: Pick<Plan, 'identity' | 'network' | 'lifetime'> & {
    readonly limits: Pick<Plan['limits'], 'memoryBytes' | 'cpus'>
  }
  /** it goes on where one was saved: its memory is mapped from a file that it may only read */
  readonly restores: boolean
  /** how much of its own it may write to disk, which is memory, bytes */
  readonly scratchBytes: number
  readonly places: readonly string[]
}

export function jailPlan({ shape, grants, plan, restores, scratchBytes, places }: Jail): Plan {
  const memoryBytes =
    plan.limits.memoryBytes === null ? null : (shape.memoryMiB + OWN_MEMORY) * MiB + scratchBytes
  return {
    boundary: 'process',
    identity: plan.identity,
    env: restores ? { LD_PRELOAD: `${JAIL.programs}/vmm-memory` } : {},
    files: {
      root: { kind: 'host' },
      workdir: places[0] ?? '/tmp',
      read: grants,
      write: [],
      live: [],
      scratch: { bytes: scratchBytes, inodes: 64, places },
    },
    network: unread(plan.network),
    credentials: [],
    limits: {
      memoryBytes,
      perProcessMemoryBytes: null,
      cpus: plan.limits.cpus,
      processes: shape.cpus + OWN_THREADS,
      openFiles: 256,
      outputBytes: Number.MAX_SAFE_INTEGER,
    },
    lifetime: { deadlineMs: plan.lifetime.deadlineMs + LATER_MS, noOutputMs: null, reuse: null },
    syscalls: { profile: 'default', lock: null, deny: [...REFUSED], allow: [] },
    claims: [],
    waivers: [],
  }
}

/** The ends of it are the job's; the authority of what is looked into is believed in the machine, and not by QEMU. */
function unread(network: Plan['network']): Plan['network'] {
  return network && { ...network, rules: network.rules.map((rule) => ({ ...rule, inspect: false })) }
}

/** Bytes that a machine which is being saved writes. */
export const savedBytes = ({ memoryMiB }: MachineShape): number => (memoryMiB + BESIDE_MEMORY) * MiB

/** What starts QEMU, and what is loaded into it. */
export function programGrants(): Grant[] {
  const programs = nativePrograms()
  return (['vmm', 'vmm-memory'] as const).map((name) => ({
    host: programs[name],
    inside: `${JAIL.programs}/${name}`,
  }))
}
