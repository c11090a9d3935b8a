import type { Reason, Report } from '../report/index.js'
import type { Verdict } from './verdict.js'

/** What one run came to. A job that fails is a result like any other. */
export class RunResult {
  readonly reason: Reason
  /** as the command line would exit: the job's own code, 128+n for a signal, 124, 125, 126, 127, 137 */
  readonly exitCode: number
  /** name of the signal that ended the command, e.g. `SIGSEGV`; only with reason `signal` */
  readonly signal: string | null
  /** one sentence when there is more to say than the exit code */
  readonly message: string | null
  /** all of standard output; empty when the run was not asked to keep it */
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
  /** collected files by their path as asked for: relative to the work directory, absolute when outside it */
  readonly outputs: Readonly<Record<string, Uint8Array>>
  /** made when it is first asked for: its digests take longer than the rest of a result */
  declare readonly report: Report

  constructor(
    verdict: Verdict,
    report: () => Report,
    stdout: Uint8Array,
    stderr: Uint8Array,
    outputs: Readonly<Record<string, Uint8Array>>,
  ) {
    let made: Report | undefined
    Object.defineProperty(this, 'report', {
      enumerable: true,
      get() {
        made ??= report()
        return made
      },
    })
    this.reason = verdict.reason
    this.exitCode = verdict.exitCode
    this.signal = verdict.signal
    this.message = verdict.message
    this.stdout = stdout
    this.stderr = stderr
    this.outputs = outputs
  }

  /** the command ran and exited with 0 */
  get ok(): boolean {
    return this.reason === 'exited' && this.exitCode === 0
  }

  /** standard output as UTF-8 text */
  text(): string {
    return new TextDecoder().decode(this.stdout)
  }
}
