/** What a run is made of, and what comes of it. */
import type { Readable } from 'node:stream'
import type { Command, InputFile, SandboxEnd } from '../boundary/index.js'
import type { CollectedFile, CredentialLease } from '../report/index.js'
import type { Told } from './attempts.js'
import type { Wanted } from './collect.js'
import type { Supplied } from './supplies.js'
import type { Turn } from './turn.js'
import type { Verdict } from './verdict.js'

export interface Job extends Supplied {
  /** makes what the root is shown from, where that is not there yet; absent: nothing has to be made */
  readonly makeRoot?: ((cancel: AbortSignal) => Promise<void>) | null
  /** checked while the sandbox comes up */
  readonly inputs: Promise<readonly InputFile[]>
  readonly wanted: readonly Wanted[]
  readonly terminal: Command['terminal']
  /** asked for once the command runs; `null`: empty */
  readonly stdin: (() => Readable) | null
  /** aborted with a number as reason: the signal that a person sent */
  readonly cancel: AbortSignal | null
  /** who else there is to make room for; absent: nobody */
  readonly turn?: Turn
  /** told when the command runs, with a way to send it signals */
  readonly onStarted: ((send: (signal: number) => void) => void) | null
}

export interface Outcome {
  readonly verdict: Verdict
  readonly outputs: readonly CollectedFile[]
  readonly times: {
    readonly acceptedAt: Date
    readonly queueMs: number
    readonly startMs: number
    readonly wallMs: number
  }
  /** its sandbox was there before it was */
  readonly isWarm: boolean
  /** which job of its sandbox it was, and of how many at most */
  readonly turn: { readonly run: number; readonly of: number }
  readonly end: SandboxEnd
  /** what the gateway saw; `null`: there was none */
  readonly network: Told | null
  readonly credentials: readonly CredentialLease[]
  /** as told from inside; `null` when the command did not run to its end */
  readonly commandCpuMs: number | null
  readonly bytes: { readonly stdout: number; readonly stderr: number }
}
