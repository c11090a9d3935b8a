/** The one checked form of a policy: canonical, complete (defaults filled in) and deeply frozen. */

export const BOUNDARIES = ['process', 'runc', 'gvisor', 'docker', 'microvm'] as const
export type BoundaryName = (typeof BOUNDARIES)[number]

/** Where the list of syscalls starts from. */
export const SYSCALL_PROFILES = ['default', 'compute'] as const
export type SyscallProfile = (typeof SYSCALL_PROFILES)[number]

/** To what a job may tighten itself while it runs. */
export const SYSCALL_LOCKS = ['sealed'] as const
export type SyscallLock = (typeof SYSCALL_LOCKS)[number]

/** Controls that a policy may knowingly leave off; each shows in `explain` and in every report. */
export const WAIVABLE = ['limits.memory', 'limits.cpus', 'limits.processes'] as const
export type WaivableControl = (typeof WAIVABLE)[number]

export type Root =
  | { readonly kind: 'host' }
  | { readonly kind: 'dir'; readonly path: string }
  | { readonly kind: 'image'; readonly reference: string }

export interface Grant {
  /** absolute host path with no symbolic link in it */
  readonly host: string
  /** absolute, normalised path inside the sandbox */
  readonly inside: string
}

export interface WriteGrant extends Grant {
  /** the host folder itself is written to; `false`: what was written is collected when the job has ended */
  readonly live: boolean
}

export interface Limits {
  /** memory of all the job's processes together, bytes */
  readonly memoryBytes: number
  /** processors' worth of time, e.g. 1 or 0.5 */
  readonly cpus: number
  /** processes and threads at once */
  readonly processes: number
  /** open descriptors per process */
  readonly openFiles: number
  /** stdout and stderr together, bytes */
  readonly outputBytes: number
  /** everything the job writes to files, bytes */
  readonly scratchBytes: number
}

declare const checked: unique symbol

export interface Policy {
  readonly version: 1
  readonly boundary: BoundaryName
  readonly root: Root
  /** absolute path inside */
  readonly workdir: string
  readonly env: Readonly<Record<string, string>>
  readonly files: { readonly read: readonly Grant[]; readonly write: readonly WriteGrant[] }
  readonly lifetime: {
    /** wall-clock limit, ms */
    readonly deadlineMs: number
    /** longest silence on stdout and stderr, ms; `null`: no such limit */
    readonly noOutputMs: number | null
    readonly reuse: 'never'
  }
  readonly limits: Limits
  readonly syscalls: {
    readonly profile: SyscallProfile
    /** what the job may lock itself to; `null`: it is not asked */
    readonly lock: SyscallLock | null
    /** names refused on top of the profile */
    readonly deny: readonly string[]
    /** names allowed on top of the profile */
    readonly allow: readonly string[]
  }
  readonly waive: readonly WaivableControl[]
  /** Only the loader makes one: a plan can't be built from unchecked input. */
  readonly [checked]: true
}
