/** A probe: an attempt from inside to break a claim, and its control. Types only. */
import type { HostFacts } from '../../host/index.js'
import type { Plan, RequirementId } from '../../plan/index.js'
import type { PlanRun, PlanRunOptions } from '../../sandbox/index.js'
import type { ThreatId } from './threats.js'

/** What `native/probe` said of one attempt. */
export interface Look {
  /** `ok`, the name of an error (`EPERM`), of the signal that ended it (`SIGSYS`), `timeout`, or `ended`: it never said */
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
}

/** What came of an attempt. */
export interface Tried {
  /** as it would be typed: `signal 4711 0` */
  readonly attempt: string
  readonly look: Look
  readonly reached: boolean
}

/** Where a control is tried: beside the sandbox as the caller, or with every capability over namespaces of its own. */
export type Open = 'caller' | 'privileged'

/** What a probe of this run has to do with: the real sandbox, the open place, and the decoys. */
export interface Bench {
  readonly plan: Plan
  readonly host: HostFacts
  readonly machine: Machine
  readonly decoys: Decoys
  /** the attempts in a fresh sandbox under `plan`, or under another that was made of it; absent: with room to make them */
  inside(attempts: readonly Attempt[], plan?: Plan, options?: InsideOptions): Promise<Inside>
  /** the attempts without a sandbox */
  open(attempts: readonly Attempt[], where?: Open): Promise<readonly Tried[]>
  /** one attempt without a sandbox, under way: its processes end when it is ended, and with this program */
  start(attempt: Attempt): OpenProcess
  /** a process of its own that starts sandboxes for the attempt, as many as asked, one a few milliseconds after the other */
  supervise(attempt: Attempt, plan: Plan, sandboxes: number): Promise<Supervisor>
  readonly view: HostView
}

export type InsideOptions = Pick<PlanRunOptions, 'signal' | 'outputs' | 'onStarted'>

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

/** `tried`: in the attempts' order. */
export interface Inside {
  readonly tried: readonly Tried[]
  readonly run: PlanRun
}

/** All that a probe may touch of the host: it was set up for that, by this verification. */
export interface Decoys {
  /** a process of the caller, with a canary in its environment, that listens on an abstract socket */
  readonly process: { readonly pid: number; readonly abstractSocket: string }
  /** a folder that everyone may enter and write to */
  readonly folder: string
  /** in it: a file that everyone may read, which holds the canary */
  readonly file: string
  /** in it: a folder to be granted */
  readonly live: string
  /** in it: a socket that everyone may connect to */
  readonly socket: string
  /** what is read where something of these was reached; found nowhere else */
  readonly canary: string
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
  readonly machine: Machine
}
