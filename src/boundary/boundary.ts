import type { Readable, Writable } from 'node:stream'
import type { HostFacts } from '../host/index.js'
import type {
  Answer,
  ClaimStatus,
  InForce,
  Plan,
  Requirement,
  RequirementId,
  Unanswered,
} from '../plan/index.js'
import type { BoundaryName } from '../policy/index.js'

/** What a boundary is asked: a requirement, on this host. */
export interface Question {
  readonly requirement: Requirement
  readonly host: HostFacts
  /** what it is a requirement of; `null`: of any plan */
  readonly plan: Unanswered | null
  /** processors' worth of time that the policy grants */
  readonly cpus: number
}

/** What of a kernel the job talks to: the part of it in which a hole would be a way out. */
export interface KernelSurface {
  /** the system calls of the job end in the host's own kernel */
  readonly shared: boolean
  readonly syscalls: {
    /** as the kernel calls it, e.g. `x86_64` */
    readonly arch: string
    /** that run */
    readonly allowed: number
    /** of those, only with some arguments */
    readonly checked: number
    /** that have a name there */
    readonly known: number
  }
  /** what is in the job's /dev */
  readonly devices: readonly string[]
}

/** One way to separate a sandbox from the host. Answers are pure; only `open` has effects. */
export interface Boundary {
  readonly name: BoundaryName
  /** host paths that the boundary wants to know about, see `HostFacts.paths` */
  readonly hostPaths: readonly string[]
  answer(question: Question): Answer
  /** why the boundary can't run here at all; `null` when it can */
  unavailable(host: HostFacts): { readonly what: string; readonly get: string } | null
  /** what the boundary's own program will be told, one argument a line; for `explain` and for golden tests */
  words(plan: Plan, host: HostFacts): readonly string[]
  /** a sentence for each protection that the policy takes away */
  warnings(plan: Plan, host: HostFacts): readonly string[]
  /** what is left of a kernel; for `explain` */
  kernel(plan: Plan, host: HostFacts): KernelSurface
  /** native numbers of system calls that no job may make with arguments that are all ones, by the error that they get */
  refusals(plan: Plan, host: HostFacts): ReadonlyMap<number, readonly number[]>
  /**
   * starts what the boundary's sandboxes are started from; `single`: for one run, so nothing is prepared for a second;
   * `inForce`: absent, all mechanisms are. No policy, flag or variable leads there: it is how tests show that a probe notices.
   * @throws RangeError when a mechanism is to be left off that the boundary does not know
   */
  open(host: HostFacts, single: boolean, inForce?: InForce): SandboxSource
}

/** Contents of files by their names in /etc. */
export type OwnFiles = Readonly<Record<string, Uint8Array>>

/** Starts sandboxes; closed, it has none left. */
export interface SandboxSource {
  /**
   * What the first sandbox of a plan takes long for, and later ones have: a virtual machine is booted once. Absent: there is nothing
   * such. Launching does it where nobody asked before.
   */
  prepare?(plan: Plan): Promise<void>
  /**
   * throws LaunchError when there is no sandbox to talk to.
   * `files`: of the sandbox's /etc, by name, made for this one alone: what `trustFiles` gives, where the plan inspects
   * `waitsMs`: how long it may wait for its command, besides its deadline; absent: not at all
   */
  launch(plan: Plan, files?: OwnFiles, waitsMs?: number): Promise<RunningSandbox>
  /** ends every sandbox and waits for that */
  close(): Promise<void>
}

export interface InputFile {
  /** absolute path inside, in a scratch folder */
  readonly path: string
  readonly mode: number
  readonly content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

/** Of a terminal, in characters; each from 1 to 65535. */
export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

export interface Command {
  readonly argv: readonly [string, ...string[]]
  readonly inputs: readonly InputFile[]
  /** what of its environment is not the plan's; absent: nothing */
  readonly env?: Readonly<Record<string, string>>
  /** of its plan's deadline what is left, ms; absent: all of it */
  readonly deadlineMs?: number
  /** the command gets a terminal made inside, which `stdin` types into and `stdout` shows; `null`: three pipes */
  readonly terminal: (TerminalSize & { readonly name: string }) | null
}

/** How the command ended, as told from inside. */
export type CommandEnd =
  | { readonly kind: 'exited'; readonly code: number; readonly cpuMs: number }
  | { readonly kind: 'signal'; readonly signal: number; readonly cpuMs: number }
  | {
      readonly kind: 'notStarted'
      readonly cause: 'notFound' | 'notExecutable' | 'workdir' | 'unconfined'
      readonly detail: string
    }
  | { readonly kind: 'deadline' }
  /** what the sandbox said can't be used, or it refused to go on */
  | { readonly kind: 'broken'; readonly detail: string }
  /** the sandbox ended without a word: killed, or never started; its end says more */
  | { readonly kind: 'lost' }

/** What became of a promise, where only the sandbox itself could tell. */
export interface Observed {
  readonly id: RequirementId
  /** by what it was kept, or why not */
  readonly by: string
  /** absent: `enforced` */
  readonly status?: ClaimStatus
}

/**
 * One of the sockets that are the sandbox's whole network, as a raw handle of Node's: `net.Server.listen` takes
 * `connections`, where everything arrives that the job connects to, with the address it meant as its local one;
 * `dgram.Socket.bind` takes `names`, where its questions to the plan's resolver arrive. The sandbox closes its copies when it
 * ends; until then they may be sent to another process.
 */
export interface NetworkEnd {
  readonly kind: 'connections' | 'names'
  readonly handle: object
}

/** Datagrams that the job sent, for one address and port, and that were refused. */
export interface RefusedDatagrams {
  readonly protocol: 'udp' | 'icmp' | 'other'
  /** canonical */
  readonly address: string
  /** `null`: the protocol has none, or it was no beginning of a datagram */
  readonly port: number | null
  /** at least; of a flood not each is told */
  readonly count: number
  /** when the first was told of, ms since 1970 */
  readonly firstMs: number
}

/** How the sandbox as a whole ended, as seen from outside, when nothing of it is left. */
export interface SandboxEnd {
  /** the kernel ended a process for memory */
  readonly outOfMemory: boolean
  readonly cpuMs: number
  readonly peakMemoryBytes: number
  /** how often a process could not be made because of limits.processes; `null`: not counted */
  readonly forkRefusals: number | null
  readonly observed: readonly Observed[]
  readonly datagrams: readonly RefusedDatagrams[]
  /** refused datagrams beyond those in `datagrams`, which is bounded */
  readonly datagramsOmitted: number
  /** set when it never got as far as its command: what failed, and what to do */
  readonly launchFailure: { readonly what: string; readonly get: string } | null
  /** set when the program that held it went away while the command ran: which, and where it says why */
  readonly lost: { readonly what: string; readonly get: string } | null
}

/** An entry of a collected folder. Its path and bytes are the job's: hostile until checked. */
export type CollectedEntry =
  | { readonly kind: 'folder'; readonly path: string }
  | {
      readonly kind: 'file'
      readonly path: string
      readonly bytes: number
      readonly content: AsyncIterable<Uint8Array>
    }
  | { readonly kind: 'refused'; readonly path: string; readonly why: string }
  | { readonly kind: 'missing' }

/** What of a sandbox is not the next command's. */
export interface Emptied {
  /** absolute, each with the mode that it has then; what is mounted there stays */
  readonly folders: readonly { readonly path: string; readonly mode: number }[]
  /** objects of System V, which belong to no process */
  readonly ipc: boolean
}

/** What a sandbox has used since it began, while it lives. */
export type UsedUntilNow = Pick<
  SandboxEnd,
  'outOfMemory' | 'cpuMs' | 'peakMemoryBytes' | 'forkRefusals' | 'observed' | 'datagrams' | 'datagramsOmitted'
>

/** A sandbox that commands run in one after another: of a plan that says `reuse`. */
export interface Reusable {
  /**
   * After `commandEnd`, of a command that ended by itself: the same sandbox for another command, with streams of its own. This one is of no more use
   * then. Rejects when there can be none: then it is to be ended.
   */
  again(emptied: Emptied): Promise<RunningSandbox>
  used(): Promise<UsedUntilNow>
  /** makes or replaces a file in a scratch folder, while no command runs; rejects with why not */
  write(input: InputFile): Promise<void>
}

/** A sandbox in use. Nothing here shows a pid or a descriptor: a remote one fits too. */
export interface RunningSandbox {
  /** it was there before its job was, see `sandbox/pool/`; absent: it was made for it */
  readonly isWarm?: true
  /** for so long, ms */
  readonly waitedMs?: number
  /** which job of how many at most it is for, see `sandbox/reuse/`; absent: the first, and the only one */
  readonly turn?: { readonly run: number; readonly of: number }
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** empty when the plan has no network; where the kernel lacks TPROXY several `connections`, one a port */
  readonly network: readonly NetworkEnd[]
  /** puts the inputs in and starts the command; resolves when it runs, or can't */
  run(command: Command): Promise<void>
  /** resolves once, when the command has ended and no process of the job lives */
  readonly commandEnd: Promise<CommandEnd>
  /** to the job's process group; ignored when the command does not run */
  signal(signal: number): void
  /** of the command's terminal; ignored when it has none, or does not run */
  resize(size: TerminalSize): void
  /** while no command runs: what lies at `below` in the scratch folder `place`; paths are relative to the place */
  collect(place: string, below: string): AsyncIterable<CollectedEntry>
  /** ends it now, whatever it does; resolves when nothing of it is left. May be called again. */
  end(): Promise<SandboxEnd>
  /** absent: it has one command */
  readonly reusable?: Reusable
}
