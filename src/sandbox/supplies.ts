/** What a job has from outside its sandbox, by the gateway: a network, and the use of credentials. */
import type { InputFile, RunningSandbox, SandboxSource } from '../boundary/index.js'
import type { Attachment, CredentialIssue } from '../gateway/index.js'
import { InForce, type Plan } from '../plan/index.js'
import type { CredentialLease } from '../report/index.js'
import { type Told, told } from './attempts.js'
import type { HandedIn, JobCredentials } from './credentials/index.js'
import type { RunEvents } from './events/index.js'
import type { JobNetwork, RunNetwork } from './job-network.js'
import { isTakenFrom, type Launched, launchedWith } from './launched.js'

export interface Supplied {
  readonly plan: Plan
  readonly argv: readonly [string, ...string[]]
  /** `null`: it has none */
  readonly network: JobNetwork | null
  /** `null`: it has none */
  readonly credentials: Promise<JobCredentials> | null
  /** what the caller hands to the job, besides the command and its inputs: no value is to be in it */
  readonly handedIn: Pick<HandedIn, 'names' | 'stdin'>
  /** told what happens; absent or `null`: nobody is */
  readonly events?: RunEvents | null
  /** absent: all mechanisms */
  readonly inForce?: InForce
}

export class Supplies {
  readonly #of: Supplied
  /** resolves when the run is ended from outside: nothing is waited for any more */
  readonly #interrupted: Promise<void>
  #launching: Promise<Launched> | null = null
  /** as it was made for the sandbox; for one that waited another than the job's */
  #network: RunNetwork | null
  #credentials: JobCredentials | null = null
  #issues: readonly CredentialIssue[] = []
  #attachment: Attachment | null = null

  constructor(of: Supplied, interrupted: Promise<void>) {
    this.#of = of
    this.#network = of.network
    this.#interrupted = interrupted
  }

  /**
   * All values, before anything is launched; the sandbox's authority is made meanwhile. `false`: the run was ended first.
   * @throws CredentialError where one is not to be had, or is in what the job is given
   */
  async obtain(source: SandboxSource): Promise<boolean> {
    const { plan, argv, credentials, handedIn, network } = this.#of
    if (credentials === null) return true
    // waited for at the launch; one that waits has its own
    if (!isTakenFrom(source)) network?.files()?.catch(() => {})
    this.#credentials = await credentials
    const issues = await Promise.race([this.#credentials.issues(), this.#interrupted])
    if (issues === undefined) return false
    this.#credentials.refuseInside({ ...handedIn, argv, plan })
    this.#issues = issues
    return true
  }

  /** With what has to be in the sandbox from its first moment. */
  async launch(source: SandboxSource): Promise<RunningSandbox> {
    const { plan, network } = this.#of
    const taken = isTakenFrom(source)
    this.#launching = taken ? source.take(plan, network) : launchedWith(source, plan, network)
    const launched = await this.#launching
    this.#network = launched.network
    return launched.sandbox
  }

  /** What stands in the job's variables for its credentials: it arrives with the command. */
  get env(): Readonly<Record<string, string>> {
    if (this.#credentials === null) return {}
    if ((this.#of.inForce ?? InForce.all).on('credential-placeholders')) return this.#credentials.env
    return Object.fromEntries(
      this.#issues.map(({ grant, value }) => [
        grant.name,
        value.kind === 'value' ? value.value : value.secret,
      ]),
    )
  }

  /** Inputs that fail to go in where a value is in them. */
  withoutValues(inputs: readonly InputFile[]): readonly InputFile[] {
    return this.#credentials?.withoutValues(inputs) ?? inputs
  }

  /** Resolves when the gateway has the sandbox's network, or when the run is ended: one that hangs does not keep it from ending. */
  async attach({ network }: RunningSandbox): Promise<void> {
    const issuedAt = new Date()
    const attaching = this.#network?.attach(network, this.#issues) ?? null
    if (attaching === null) return
    const attachment = await Promise.race([attaching, this.#interrupted])
    if (attachment instanceof Object) {
      this.#attachment = attachment
      this.#of.events?.attached(attachment)
      return this.#credentials?.attached(attachment, issuedAt)
    }
    attaching.then((late) => late.end()).catch(() => {})
  }

  /** All that the gateway saw of the sandbox, whose network ends with this; `null`: it had none. */
  told(): Promise<Told | null> {
    return told(this.#attachment)
  }

  /** What became of each lease, all of which end with this. */
  async leases(): Promise<readonly CredentialLease[]> {
    await this.#credentials?.end()
    return (await this.#credentials?.leases()) ?? []
  }

  /** After it, nothing is attached, nothing is reserved, and what was minted is revoked as far as its server answers. */
  async end(): Promise<void> {
    await this.#attachment?.end()
    const credentials = this.#of.credentials?.then((all) => all.end())
    // a launch that was not waited for any longer may still come
    this.#launching?.then(({ network }) => network?.release()).catch(() => {})
    await Promise.all([this.#of.network?.release(), credentials])
  }
}
