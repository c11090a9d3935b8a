import type { Readable } from 'node:stream'
import type { TerminalSize } from '../boundary/index.js'
import type { InputSource } from './inputs.js'
import type { RunResult } from './result.js'
import type { TerminalOptions } from './terminal.js'

export interface RunOptions {
  /** this job's own files, by path inside (relative to the work directory, or absolute): bytes, or a host file's path */
  readonly inputs?: Readonly<Record<string, InputSource>>
  /**
   * what to collect, if the job exits: paths, or patterns with `*` and `**`. As a list, the bytes come in
   * `result.outputs`; as an object, each is written to the host path it names, all or nothing.
   */
  readonly outputs?: readonly string[] | Readonly<Record<string, string>>
  /**
   * bytes, a stream, or the path of a host file; absent: empty. A function is called for its stream when the command runs,
   * so that nothing is read for a run that is refused.
   */
  readonly stdin?: Uint8Array | string | Readable | AsyncIterable<Uint8Array> | (() => Readable)
  /**
   * gives the job a terminal made inside its sandbox, of this size: `stdin` types into it, `stdout` shows it, `stderr` stays
   * empty. The end of `stdin` is typed as the end-of-file character.
   */
  readonly tty?: TerminalOptions
  /** cancels the run: everything is ended, and the result's reason is `cancelled` */
  readonly signal?: AbortSignal
  /** values of the credentials whose source is `caller`, by their names; they go to the gateway, and nowhere else */
  readonly secrets?: Readonly<Record<string, string>>
  /** who the job is for; goes into the report */
  readonly tenant?: string
  /**
   * keep stdout and stderr in the result (the default). `false`: they are only streams of the returned run, and the job
   * writes no faster than they are read.
   */
  readonly buffer?: boolean
  /** told what is made first, where that takes a while: an image's disk for its first virtual machine */
  readonly onPreparing?: (what: string) => void
  /** called when the sandbox was told its command: while that comes up there is time for other things */
  readonly onLaunched?: () => void
  /** called when the command runs, with a way to send it signals by number */
  readonly onStarted?: (send: (signal: number) => void) => void
}

/** A run under way: a promise of its result, and the job's streams. */
export interface Run extends Promise<RunResult> {
  readonly stdout: Readable
  readonly stderr: Readable
  /**
   * the job's terminal has this size from now on, and its programs are told; nothing without `tty`
   * @throws UsageError for a size that no terminal has
   */
  resize(size: TerminalSize): void
  /**
   * Ends the lease of a credential: its requests are refused from then on, on open connections too, and a token that was minted for this
   * run is revoked at its server. Resolves when the gateway has ended it. Before the job has started, it starts without.
   * Rejects with UsageError when the policy has no credential of this name.
   */
  revoke(name: string): Promise<void>
  /** The text with `[secret NAME]` in place of each value that this run knows: for the caller's own logs. */
  redact(text: string): string
  /**
   * Whether {@link redact} knows each value that this run's credentials have: not before their sources have answered, and never for a run
   * that was refused earlier. Until then, keep what may hold one, such as the command's arguments, out of logs.
   */
  knowsValues(): boolean
}
