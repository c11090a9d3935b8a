/** The credentials of a run, which most runs don't have: what serves them is loaded for those that do. */
import { UsageError, visible } from '../errors/index.js'
import type { CredentialsAsked, JobCredentials } from './credentials/index.js'
import { type GivenValues, redactError, withoutGiven } from './given-values.js'

export class RunCredentials {
  /** `null`: the run has none */
  readonly all: Promise<JobCredentials> | null
  readonly #given: GivenValues
  #made: JobCredentials | null = null

  constructor(asked: CredentialsAsked) {
    this.#given = asked.secrets
    this.all = asked.credentials.length === 0 ? null : this.#make(asked)
  }

  /** @throws UsageError when there is none of this name */
  async revoke(name: string): Promise<void> {
    if (this.all !== null) return (await this.all).revoke(name)
    const what = `The policy has no credential ${visible(JSON.stringify(name))}, nor any other.`
    throw new UsageError('credentials.unknown', what)
  }

  /** Without each value that is known by now. */
  redact(text: string): string {
    return this.#made?.known.redact(text) ?? withoutGiven(text, this.#given)
  }

  /** Whether that is each value that there is. */
  get knowsValues(): boolean {
    return this.all === null || this.#made?.obtained === true
  }

  /** The same for plain data. */
  redactAll<T>(data: T): T {
    return this.#made?.known.redactAll(data) ?? data
  }

  /** The same for what an error says, in place. */
  redactError(error: unknown): unknown {
    return redactError(error, (text) => this.redact(text))
  }

  async #make(asked: CredentialsAsked): Promise<JobCredentials> {
    const { JobCredentials } = await import('./credentials/index.js')
    this.#made = new JobCredentials(asked)
    return this.#made
  }
}
