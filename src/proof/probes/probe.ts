/** A probe: an attempt from inside to break a claim, and its control. */
import type { HostFacts } from '../../host/index.js'
import type { Plan, RequirementId } from '../../plan/index.js'
import type { PlanRun, PlanRunOptions } from '../../sandbox/index.js'
import type { Talk } from './talk.js'
import type { ThreatId } from './threats.js'
import type { World } from './world.js'

/** What `native/probe` said of one attempt. */
export interface Look {
  /** `ok`, the name of an error (`EPERM`), of the signal that ended it (`SIGSYS`), `timeout`, or {@link UNTOLD} */
  readonly result: string
  /** what was seen or reached, a line of printable characters */
  readonly detail: string
}

/** One thing that `native/probe` tries. */
export interface Attempt {
  /** its name and arguments; no word holds a comma */
  readonly words: readonly [string, ...string[]]
  /** whether what it says means that the claim is broken; absent: it says `ok` */
  readonly reached?: (look: Look) => boolean
  /** in the open: whether what it says means that nobody may do this on this host, so that there is nothing to hold */
  readonly lacking?: (look: Look) => boolean
}

/** What came of an attempt. */
export interface Tried {
  /** as it would be typed: `signal 4711 0` */
  readonly attempt: string
  readonly look: Look
  readonly reached: boolean
  /** see `Attempt` */
  readonly lacking?: boolean
}

/**
 * Where a control is tried: beside the sandbox as the caller; with every capability over namespaces of its own; or as the
 * child of one who hands on all that it has.
 */
export type Open = 'caller' | 'privileged' | 'careless'

/** What a probe of this run has to do with: the real sandbox, the open place, and the decoys. */
export interface Bench {
  readonly plan: Plan
  /** the same with time and room for probes: what plans for `inside` are made of, unless time or room is what they try */
  readonly roomy: Plan
  readonly host: HostFacts
  readonly machine: Machine
  readonly decoys: Decoys
  /**
   * the attempts in a fresh sandbox under `roomy`, or under another plan exactly as it is.
   * Throws Untried when there can't be one under that.
   */
  inside(attempts: readonly Attempt[], plan?: Plan, options?: InsideOptions): Promise<Inside>
  /** the attempts without a sandbox */
  open(attempts: readonly Attempt[], where?: Open): Promise<readonly Tried[]>
  /** speaks with hosts from a fresh sandbox under `roomy`, or under another plan exactly as it is; throws as `inside` does */
  talk<T>(play: (talk: Talk, revoke: Revoke) => Promise<T>, plan?: Plan): Promise<Talked<T>>
  /** the same without a sandbox, as the caller, with these variables */
  talkOpenly<T>(play: (talk: Talk) => Promise<T>, env?: Readonly<Record<string, string>>): Promise<T>
  /** one attempt without a sandbox, under way: its processes end when it is ended, and with this program */
  start(attempt: Attempt): OpenProcess
  /** a process of its own that starts sandboxes for the attempt, as many as asked, one a few milliseconds after the other */
  supervise(attempt: Attempt, plan: Plan, sandboxes: number): Promise<Supervisor>
  /** what the first sandbox of a plan takes long for is there then, and no part of what is timed */
  ready(plan: Plan): Promise<void>
  readonly view: HostView
}

export type InsideOptions = Pick<
  PlanRunOptions,
  'signal' | 'outputs' | 'onStarted' | 'inputs' | 'stdin' | 'whileItWaits' | 'tenant'
>

/** Ends the lease of a credential; resolves when the gateway has. */
export type Revoke = (name: string) => Promise<void>

export interface Talked<T> {
  readonly said: T
  readonly run: PlanRun
}

/** What probes need to know of this machine at this moment. */
export interface Machine {
  readonly memAvailableBytes: number
  /** core(5) */
  readonly corePattern: string
  /** hard limits of this process; `null`: none */
  readonly hard: { readonly coreBytes: number | null; readonly openFiles: number | null }
}

export interface OpenProcess {
  readonly pid: number
  /** what came on its descriptor 3, which is the other end of a pipe */
  readonly channel: () => Buffer
  readonly stdout: () => Buffer
  readonly hasEnded: () => boolean
  /** ends it, if it has not ended */
  end(): Promise<void>
}

export interface Supervisor {
  /** it, its launcher, and all that descends from them now */
  family(): HostProcess[]
  /** resolves when the first sandbox is being started */
  readonly launching: Promise<void>
  /** with SIGKILL */
  kill(): Promise<void>
}

export interface HostProcess {
  readonly pid: number
  /** since when, in the kernel's ticks: a pid is given again */
  readonly startedAt: string
}

export interface TakenEntry {
  readonly path: string
  readonly kind: 'file' | 'folder' | 'link' | 'other'
  readonly bytes: number
  /** the beginning of a file, or of one that a link leads to */
  readonly text: string
}

/** The host as anyone sees it. */
export interface HostView {
  /** a word that is found nowhere else, hexadecimal */
  word(): string
  /** that have the word in their arguments, wherever they run */
  processesWith(word: string): HostProcess[]
  isAlive(process: HostProcess): boolean
  /** as whom such processes run, each time they are looked at until `until` settles */
  rightsOf(word: string, until: Promise<unknown>): Promise<readonly SeenRights[]>
  /** folders of the control groups that a sandbox's process is in */
  cgroupsOf(process: HostProcess): string[]
  exists(path: string): boolean
  /** a text file, and empty when it can't be read */
  read(path: string): string
  /** what a collector that follows links and checks nothing would take of a folder */
  taken(folder: string): TakenEntry[]
  /** until it is so, at most so long; whether it became so */
  until(so: () => boolean, ms: number): Promise<boolean>
  after(ms: number): Promise<void>
}

/** As whom a process runs, as the host sees it. */
export interface SeenRights {
  readonly uid: number
  /** effective ones, a set of bits, capabilities(7) */
  readonly capabilities: bigint
}

/** `tried`: in the attempts' order. */
export interface Inside {
  readonly tried: readonly Tried[]
  readonly run: PlanRun
}

/** All that a probe may touch of the host: it was set up for that, by this verification. */
export interface Decoys {
  /** a process of the caller, with a canary in its environment, that listens on an abstract socket */
  readonly process: {
    readonly pid: number
    readonly abstractSocket: string
    /** where the canary stands in its memory, in hex */
    readonly canaryAt: string
  }
  /** System V memory that holds the canary: its key, in hex; `null`: this kernel has none */
  readonly memoryKey: string | null
  /** a POSIX message queue; `null`: this kernel has none */
  readonly queue: string | null
  /** a folder that everyone may enter and write to */
  readonly folder: string
  /** in it: a file that everyone may read, which holds the canary */
  readonly file: string
  /** in it: a socket that everyone may connect to */
  readonly socket: string
  /** in it: folders for grants. In `granted` a `file` that holds the canary, a `socket` and a `fifo`; `live` is empty */
  readonly granted: string
  /** in `folder`: a symbolic link to `granted` */
  readonly linked: string
  readonly live: string
  /** another file of `folder` each time, whose first content is found nowhere else; `replace` puts another file in its place */
  replaceable(): { readonly path: string; readonly first: string; readonly replace: () => void }
  /** what is read where something of these was reached; found nowhere else */
  readonly canary: string
  /** letters and digits, of which the value of this credential is made: the same whenever it is asked for, and found nowhere else */
  secret(name: string): string
  /** the network around; `null`: this process was not started in one */
  readonly world: World | null
}

/** One probe under one plan. */
export interface Trial {
  /** attempts from inside the real sandbox */
  readonly inside: (bench: Bench) => Promise<readonly Tried[]>
  /** the same in the open, where each must reach what it tries */
  readonly control: (bench: Bench) => Promise<readonly Tried[]>
  /** why the control would be unsafe on a machine in use; it is then tried only when asked for */
  readonly unsafe?: string
  /** needs the machine for itself: what it measures is weight or time */
  readonly alone?: true
  /** it can't be tried without a network around */
  readonly world?: true
}

/** Nothing to try, and why. */
export interface Pointless {
  readonly pointless: string
}

export interface Probe {
  /** `processes.signal`; stable, for receipts */
  readonly id: string
  readonly claim: RequirementId
  readonly threat: ThreatId
  /** what is tried, a phrase: `send a signal to a process of the host` */
  readonly tries: string
  readonly trial: (given: Given) => Trial | Pointless
}

/** By what a probe decides whether there is something to try. */
export interface Given {
  readonly plan: Plan
  readonly host: HostFacts
  readonly caller: Caller
  readonly machine: Machine
}

/** Who verifies: what it may not do, no control of its can. */
export interface Caller {
  /** effective, over the host itself and not only over a user namespace; capabilities(7) */
  readonly capabilities: bigint
  readonly noNewPrivileges: boolean
  /** under a filter of its own, as in most containers */
  readonly filtered: boolean
  /** niceness */
  readonly priority: number
}

/** The result of an attempt that nothing was heard of: the sandbox ended before, and whoever expects no such end has tried nothing. */
export const UNTOLD = 'untold'

/** Thrown by a trial that can't be made here; the message says why. */
export class Untried extends Error {}
