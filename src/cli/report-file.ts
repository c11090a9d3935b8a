/** `--report`: where it goes, and what it says of a run that was refused. */
import { realpathSync, renameSync, type Stats, statSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type GloveboxError, visible, visibleJson } from '../errors/index.js'
import { NO_USAGE, type Report } from '../report/index.js'
import { Staging } from '../sandbox/index.js'
import { WrongUsage } from './flags.js'

/**
 * Written whole or not at all; that it can be written is tried before the job runs. What is no plain file (/dev/null, a pipe) is
 * written to, never replaced.
 */
export class ReportFile {
  readonly #file: string | null
  readonly #staging: Staging | null

  constructor(file: string | null) {
    this.#file = file === null ? null : resolve(file)
    this.#staging = null
    if (this.#file === null) return
    const existing = lookAt(this.#file)
    if (existing?.isDirectory())
      throw new WrongUsage(`--report ${visible(file ?? '')}: that is a folder; name a file in it.`)
    if (existing !== undefined && !existing.isFile()) return
    if (existing !== undefined) this.#file = realpathSync(this.#file)
    try {
      this.#staging = Staging.make(dirname(this.#file))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      const folder = visible(dirname(this.#file))
      throw new WrongUsage(
        code === 'ENOENT'
          ? `--report ${visible(file ?? '')}: there is no folder ${folder}. Make it first.`
          : `--report ${visible(file ?? '')}: nothing can be written to ${folder} (${code}).`,
      )
    }
    process.once('exit', () => this.#clean())
  }

  write(report: () => Report): void {
    if (this.#file === null) return
    const text = `${visibleJson(report(), 2)}\n`
    if (this.#staging === null) {
      writeFileSync(this.#file, text)
      return
    }
    const staged = this.#staging.at('report')
    writeFileSync(staged, text)
    renameSync(staged, this.#file)
    this.#clean()
  }

  #clean(): void {
    this.#staging?.removeNow()
  }
}

/** What lies there; `undefined`: nothing, or nothing that this user may know of, which shows when it is written. */
export function lookAt(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

/** A run that was refused has a report too. */
export function refusedReport(command: readonly string[], error: GloveboxError, exitCode: number): Report {
  const reason = error.code.startsWith('launch.') ? 'failed' : 'rejected'
  return {
    version: 1,
    id: '',
    tenant: null,
    startedAt: new Date().toISOString(),
    policySha256: null,
    boundary: null,
    command,
    result: { reason, exitCode, signal: null, message: error.message },
    usage: NO_USAGE,
    network: [],
    networkOmitted: 0,
    credentials: [],
    claims: [],
    inputs: [],
    outputs: [],
    waivers: [],
  }
}

/** False, and said, when the report could not be written although that had looked possible. */
export function written(file: ReportFile, report: () => Report, tell: (text: string) => void): boolean {
  try {
    file.write(report)
    return true
  } catch (error) {
    tell(`The report could not be written: ${visible((error as Error).message)}.`)
    return false
  }
}
