/** `--report`: where it goes, and what it says of a run that was refused. */
import { type GloveboxError, visible, visibleJson } from '../errors/index.js'
import { NO_USAGE, type Report } from '../report/index.js'
import { OutputFile } from './output-file.js'

/** Nothing, when no file was asked for. */
export class ReportFile {
  readonly #file: OutputFile | null

  /** @throws WrongUsage when nothing can be written there */
  constructor(file: string | null) {
    this.#file = file === null ? null : new OutputFile('--report', file)
  }

  write(report: () => Report): void {
    this.#file?.write(`${visibleJson(report(), 2)}\n`)
  }
}

const REJECTED = 125

/** A run that was refused has a report too. */
export function refusedReport(command: readonly string[], message: string, { code }: GloveboxError): Report {
  const reason = code.startsWith('launch.') ? 'failed' : 'rejected'
  return {
    version: 1,
    id: '',
    tenant: null,
    startedAt: new Date().toISOString(),
    policySha256: null,
    boundary: null,
    root: null,
    sandbox: null,
    command,
    result: { reason, exitCode: REJECTED, signal: null, message },
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
