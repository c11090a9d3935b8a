/** The one checked form of a policy: canonical, complete (defaults filled in) and deeply frozen. */

import type { CredentialPolicy } from './credential-policy.js'

export const BOUNDARIES = ['process', 'runc', 'gvisor', 'docker', 'docker+runsc', 'microvm'] as const
export type BoundaryName = (typeof BOUNDARIES)[number]

/** Where the list of syscalls starts from. */
export const SYSCALL_PROFILES = ['default', 'compute'] as const
export type SyscallProfile = (typeof SYSCALL_PROFILES)[number]

/**
 * What is spoken on a port: TLS is passed on unread once its server name was checked, HTTP is read and written anew, TCP is
 * passed on.
 */
export const PROTOCOLS = ['tls', 'http', 'tcp'] as const
export type Protocol = (typeof PROTOCOLS)[number]

/** To what a job may tighten itself while it runs. */
export const SYSCALL_LOCKS = ['sealed'] as const
export type SyscallLock = (typeof SYSCALL_LOCKS)[number]

/** Controls that a policy may knowingly leave off; each shows in `explain` and in every report. */
export const WAIVABLE = [
  'limits.memory',
  'limits.cpus',
  'limits.processes',
  'isolation.known-escapes',
] as const
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

/** Which hosts a rule is about. Names are canonical: lower-case ASCII, no trailing dot. */
export type HostPattern =
  | { readonly kind: 'name'; readonly name: string }
  /** every name with one or more labels before `.name`, never `name` itself */
  | { readonly kind: 'below'; readonly name: string }
  /** a literal address in its canonical form, e.g. `203.0.113.7` or `2001:db8::1` */
  | { readonly kind: 'address'; readonly address: string }

/** How much may go through; `null`: bounded only by what the sandbox as a whole may do. */
export interface RuleBudget {
  /** from the job to the host, all connections together, bytes */
  readonly maxUploadBytes: number | null
  /** from the host to the job, all connections together, bytes */
  readonly maxDownloadBytes: number | null
  /** connections at once */
  readonly maxConnections: number | null
  /** new connections in any second */
  readonly maxRate: number | null
}

/** The same for a whole sandbox, where each is always set. */
export type NetworkBudget = { readonly [Key in keyof RuleBudget]: number }

export interface HostRule {
  readonly host: HostPattern
  readonly ports: readonly { readonly port: number; readonly protocol: Protocol }[]
  /** whether TLS ends in the gateway, which then reads what is inside as HTTP */
  readonly inspect: boolean
  /** upper-case; `null`: any. Bind on HTTP that is read: clear, or inspected. */
  readonly methods: readonly string[] | null
  /** absolute paths, `*` within a segment and `**` across; `null`: any. Bind as methods do. */
  readonly paths: readonly string[] | null
  /** whether an HTTP connection may become another protocol (Upgrade) */
  readonly upgrade: boolean
  /** blocks of private addresses that the host may have, canonical CIDR, e.g. `10.2.0.0/16` */
  readonly private: readonly string[]
  readonly budget: RuleBudget
}

export interface PublicRule {
  readonly ports: readonly number[]
  /** as of a rule */
  readonly inspect: boolean
  /** upper-case; `null`: any. Bind on HTTP that is read: clear, or inspected. */
  readonly methods: readonly string[] | null
  readonly budget: RuleBudget
}

export interface NetworkPolicy {
  readonly allow: readonly HostRule[]
  /** any public host; `null`: none */
  readonly public: PublicRule | null
  /** the job's own servers on 127.0.0.0/8 and ::1 */
  readonly loopback: boolean
  readonly budget: NetworkBudget
  readonly timeouts: {
    /** until a host has answered a connection, its name included, ms */
    readonly connectMs: number
    /** until the job has sent its ClientHello or the head of a request, ms */
    readonly headMs: number
    /** longest silence in both directions, ms */
    readonly idleMs: number
  }
}

/** What becomes of the scratch folders between two jobs. */
export const REUSED_SCRATCH = ['clean', 'keep'] as const

/** Of a sandbox that jobs of one tenant and one plan may run in, one after another. */
export interface ReusePolicy {
  readonly within: 'tenant'
  /** jobs, at most */
  readonly runs: number
  /** from its start to the start of its last job, ms */
  readonly ageMs: number
  /** `clean`: each job finds its scratch folders empty; `keep`: as the last one left them */
  readonly scratch: (typeof REUSED_SCRATCH)[number]
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
  /** `null`: no network at all, not even a socket */
  readonly network: NetworkPolicy | null
  /** sorted by name */
  readonly credentials: readonly CredentialPolicy[]
  readonly lifetime: {
    /** wall-clock limit, ms */
    readonly deadlineMs: number
    /** longest silence on stdout and stderr, ms; `null`: no such limit */
    readonly noOutputMs: number | null
    /** `null`: never */
    readonly reuse: ReusePolicy | null
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
