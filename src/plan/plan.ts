import type {
  BoundaryName,
  CredentialPolicy,
  Grant,
  HostPattern,
  NetworkPolicy,
  Protocol,
  ReusePolicy,
  RuleBudget,
  SyscallLock,
  SyscallProfile,
} from '../policy/index.js'
import type { Claim } from './requirement.js'

/** What the root is made of, found on this host. */
export type RootPlan =
  | { readonly kind: 'host' }
  /** absolute path of the folder */
  | { readonly kind: 'dir'; readonly path: string }
  | {
      readonly kind: 'image'
      /** as the policy names it */
      readonly reference: string
      /** of its manifest, `sha256:…` */
      readonly digest: string
      /** absolute path of the unpacked folder */
      readonly path: string
      /** absolute path of the same as a file system in a file, for a boundary that can be shown no folder; `null`: not needed */
      readonly disk: string | null
    }

export interface FilePlan {
  readonly root: RootPlan
  /** absolute path inside where the command starts */
  readonly workdir: string
  readonly read: readonly Grant[]
  /** folders inside that start empty and are collected into their host folder when the job ends */
  readonly write: readonly Grant[]
  /** host folders that the job writes to itself */
  readonly live: readonly Grant[]
  readonly scratch: {
    /** all scratch folders together, bytes */
    readonly bytes: number
    /** files and folders in all scratch folders together */
    readonly inodes: number
    /** absolute folders inside that share the one bounded file system */
    readonly places: readonly string[]
  }
}

export interface LimitsPlan {
  /** bytes of all processes together; `null`: waived */
  readonly memoryBytes: number | null
  /** bytes of each process's own writable memory; only where the limit on all together is waived */
  readonly perProcessMemoryBytes: number | null
  /** processors' worth of time; `null`: waived */
  readonly cpus: number | null
  /** processes and threads at once; `null`: waived */
  readonly processes: number | null
  /** descriptors per process */
  readonly openFiles: number
  /** stdout and stderr together, bytes */
  readonly outputBytes: number
}

export interface SyscallPlan {
  readonly profile: SyscallProfile
  /** what the job may lock itself to; `null`: nothing is offered */
  readonly lock: SyscallLock | null
  readonly deny: readonly string[]
  readonly allow: readonly string[]
}

/** One line of what the gateway lets through. */
export interface NetworkRule {
  /** how reports name it, e.g. `network.allow[0]`, `network.public`; rules of one name share its budget */
  readonly name: string
  readonly host: HostPattern | { readonly kind: 'public' }
  /** `web`: TLS or HTTP, whichever the job begins with */
  readonly ports: readonly { readonly port: number; readonly protocol: Protocol | 'web' }[]
  /** TLS ends in the gateway, and what is inside is read as HTTP */
  readonly inspect: boolean
  /** upper-case; `null`: any. Bind on HTTP that is read: clear, or inspected. */
  readonly methods: readonly string[] | null
  readonly paths: readonly string[] | null
  readonly upgrade: boolean
  /** canonical CIDR blocks that its addresses may lie in although they are not public */
  readonly private: readonly string[]
  readonly budget: RuleBudget
}

export interface NetworkPlan {
  /** in the policy's order */
  readonly rules: readonly NetworkRule[]
  /** the job's own servers on 127.0.0.0/8 and ::1 */
  readonly loopback: boolean
  /** IPv4 address inside at which names are asked for */
  readonly resolver: string
  readonly budget: NetworkPolicy['budget']
  readonly timeouts: NetworkPolicy['timeouts']
}

/** A plan before anything is said of how it is kept. */
export type Unanswered = Omit<Plan, 'claims' | 'waivers'>

/** What will be enforced: the policy, resolved against one boundary on this host. Plain data. */
export interface Plan {
  readonly boundary: BoundaryName
  readonly identity: { readonly uid: number; readonly gid: number; readonly hostName: string }
  readonly env: Readonly<Record<string, string>>
  readonly files: FilePlan
  /** `null`: no network at all */
  readonly network: NetworkPlan | null
  /** no value is in it: what the job may use, and where that comes from */
  readonly credentials: readonly CredentialPolicy[]
  readonly limits: LimitsPlan
  readonly lifetime: {
    readonly deadlineMs: number
    readonly noOutputMs: number | null
    /** `null`: one command, and never again */
    readonly reuse: ReusePolicy | null
  }
  readonly syscalls: SyscallPlan
  readonly claims: readonly Claim[]
  readonly waivers: readonly string[]
}
