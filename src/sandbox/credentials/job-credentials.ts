/** The credentials of one run, in the supervisor: values are obtained, handed to the gateway, renewed, and revoked where they were minted. */

import type { InputFile } from '../../boundary/index.js'
import { type Material, makePlaceholder, placeholderVariables } from '../../credentials/index.js'
import { CredentialError, UsageError, visible } from '../../errors/index.js'
import type { Attachment, CredentialIssue, IssuedValue } from '../../gateway/index.js'
import type { CredentialPolicy } from '../../policy/index.js'
import type { CredentialLease } from '../../report/index.js'
import { FileWatch } from './file-watch.js'
import { type HandedIn, refuseValuesInside, withoutValues } from './inside.js'
import { KnownValues } from './known-values.js'
import { plainSources } from './secrets-given.js'
import { type Obtained, obtain, obtainAll, type SourceWorld, type Whose } from './sources/index.js'

/** How long servers of tokens get to answer, ms. What a command may take stands in the policy. */
const OBTAIN_MS = 10_000

export interface CredentialsAsked {
  readonly credentials: readonly CredentialPolicy[]
  readonly whose: Whose
  /** given with the run */
  readonly secrets: Readonly<Record<string, string>>
  /** ends what is still waited for */
  readonly cancel: AbortSignal | null
}

interface Entry {
  readonly policy: CredentialPolicy
  readonly placeholder: string
  /** upstream, once; `null`: nothing was minted, or not yet */
  revoke: (() => Promise<boolean>) | null
  /** whether its server has forgotten it */
  revoked: Promise<boolean> | null
  /** why Glovebox itself ended its lease */
  why: string | null
}

/** How long a source has; `over` when it has answered. */
interface Time {
  readonly signal: AbortSignal
  readonly over: () => void
}

export class JobCredentials {
  readonly known = new KnownValues()
  /** what the job's variables hold: placeholders */
  readonly env: Readonly<Record<string, string>>
  /** whether each source has given its value: until then some are not {@link known} */
  obtained = false
  readonly #asked: CredentialsAsked
  readonly #entries: readonly Entry[]
  readonly #stop = new AbortController()
  readonly #watch: FileWatch
  #attachment: Attachment | null = null
  #issuedAt: Date | null = null
  #obtaining: Promise<readonly CredentialIssue[]> | null = null
  readonly #toRevoke = new Set<string>()
  #ended: Promise<void> | null = null

  constructor(asked: CredentialsAsked) {
    this.#asked = asked
    for (const [name, text] of Object.entries(asked.secrets)) this.known.heard(name, text)
    this.#entries = asked.credentials.map((policy) => ({
      policy,
      placeholder: makePlaceholder(),
      revoke: null,
      revoked: null,
      why: null,
    }))
    this.env = Object.assign(
      {},
      ...this.#entries.map(({ policy, placeholder }) => placeholderVariables(policy, placeholder)),
    )
    this.#watch = new FileWatch({
      changed: (name) => this.#again(name),
      lost: (name, why) => this.#lost(name, why),
    })
  }

  /**
   * All values, from their sources. Asked twice, they are obtained once.
   * @throws CredentialError in a sentence that holds no value; what was minted by then is revoked
   */
  issues(): Promise<readonly CredentialIssue[]> {
    this.#obtaining ??= this.#obtain()
    return this.#obtaining
  }

  /** Once there are values. @throws CredentialError where one is in what the job is given */
  refuseInside(handedIn: HandedIn): void {
    refuseValuesInside(this.known, handedIn)
  }

  /** Inputs that fail to go in, with the same error, where a value is in them. */
  withoutValues(inputs: readonly InputFile[]): InputFile[] {
    return inputs.map((input) => ({
      ...input,
      content: withoutValues(`The input ${input.path}`, input.content, this.known),
    }))
  }

  /** The gateway has them: leases have begun at `issuedAt`. Resolves when those that were revoked before are over. */
  async attached(attachment: Attachment, issuedAt: Date): Promise<void> {
    this.#attachment = attachment
    this.#issuedAt = issuedAt
    attachment.onLeaseEnd = (name) => this.#leaseEnded(name)
    for (const { name, ended } of attachment.leases) if (ended !== null) this.#leaseEnded(name)
    this.#watch.start()
    await Promise.all([...this.#toRevoke].map((name) => attachment.revoke(name)))
  }

  /**
   * Ends a lease: refused from then on, on open connections too, and revoked at its server where it was minted.
   * @throws UsageError when the policy has no such credential
   */
  async revoke(name: string): Promise<void> {
    if (this.#find(name) === undefined)
      throw new UsageError(
        'credentials.unknown',
        `The policy has no credential ${visible(JSON.stringify(name))}.`,
        `It has ${this.#entries.map(({ policy }) => policy.name).join(', ')}.`,
      )
    this.#toRevoke.add(name)
    await this.#attachment?.revoke(name)
  }

  /** The sandbox is gone, or never came: nothing is waited for, and what was minted and lives is revoked, as far as its server answers. */
  end(): Promise<void> {
    this.#ended ??= this.#end()
    return this.#ended
  }

  /** After {@link end}. */
  async leases(): Promise<CredentialLease[]> {
    const known = this.#attachment?.leases ?? []
    const now = new Date()
    const issued = this.#issuedAt
    if (issued === null) return []
    return Promise.all(
      known.map(async ({ name, uses, refused, ended, endedAt }): Promise<CredentialLease> => {
        const entry = this.#find(name)
        return {
          name,
          issuedAt: issued.toISOString(),
          endedAt: (endedAt ?? now).toISOString(),
          uses,
          refused,
          ended: ended ?? 'sandbox',
          ...(entry === undefined || entry.revoked === null ? {} : { revoked: await entry.revoked }),
          ...(entry === undefined || entry.why === null ? {} : { why: entry.why }),
        }
      }),
    )
  }

  #find(name: string): Entry | undefined {
    return this.#entries.find(({ policy }) => policy.name === name)
  }

  async #obtain(): Promise<readonly CredentialIssue[]> {
    const { credentials, whose } = this.#asked
    const times = credentials.map(({ source }) => this.#time(source))
    const all = await obtainAll(credentials, whose, (each) =>
      this.#world(times[credentials.indexOf(each)] ?? this.#time(each.source)),
    ).finally(() => {
      for (const { over } of times) over()
    })
    const issues = this.#entries.map(({ policy, placeholder }, at) => {
      const obtained = all[at]
      if (obtained === undefined) throw new TypeError('a credential has no value')
      this.#taken(obtained)
      const { source: _, ...grant } = policy
      this.known.learn(policy, obtained.material)
      return { grant, placeholder, value: issued(obtained.material), livesMs: obtained.livesMs }
    })
    this.obtained = true
    return issues
  }

  #taken({ name, revoke, stamp }: Obtained): void {
    const entry = this.#find(name)
    if (entry === undefined) return
    entry.revoke = revoke
    const { source } = entry.policy
    if (source.kind === 'file' && stamp !== null) this.#watch.add(name, source.path, stamp)
  }

  /** Not AbortSignal.any with AbortSignal.timeout: Node 20 may collect the latter as garbage, and then it never fires. */
  #time(source: CredentialPolicy['source']): Time {
    const commands = plainSources(source).map((each) => (each.kind === 'command' ? each.timeoutMs : 0))
    const controller = new AbortController()
    const abort = () => controller.abort()
    const signals = [this.#stop.signal, ...(this.#asked.cancel === null ? [] : [this.#asked.cancel])]
    for (const each of signals) each.addEventListener('abort', abort, { once: true })
    if (signals.some(({ aborted }) => aborted)) abort()
    const timer = setTimeout(abort, OBTAIN_MS + commands.reduce((sum, each) => sum + each))
    return {
      signal: controller.signal,
      over() {
        clearTimeout(timer)
        for (const each of signals) each.removeEventListener('abort', abort)
      },
    }
  }

  #world({ signal }: Time): SourceWorld {
    return {
      env: process.env,
      secrets: this.#asked.secrets,
      now: Date.now,
      fetch: globalThis.fetch,
      signal,
      heard: (name, text) => this.known.heard(name, text),
    }
  }

  /** The source has nothing that can be used any more: its last value is none that anybody still vouches for. */
  #lost(name: string, why: unknown): void {
    const entry = this.#find(name)
    if (entry === undefined) return
    entry.why = why instanceof CredentialError ? why.message : 'Its source could not be asked again.'
    void this.#attachment?.revoke(name)
  }

  /** Its file has other contents: the gateway gets them, or the lease ends. @returns what it is now; `null`: it is not watched any more */
  async #again(name: string): Promise<string | null> {
    const entry = this.#find(name)
    const attachment = this.#attachment
    if (entry === undefined || attachment === null) return null
    const time = this.#time(entry.policy.source)
    const { material, livesMs, stamp } = await obtain(
      entry.policy,
      this.#asked.whose,
      this.#world(time),
    ).finally(time.over)
    this.known.learn(entry.policy, material)
    attachment.renew(name, issued(material), livesMs)
    return stamp
  }

  #leaseEnded(name: string): void {
    this.#watch.forget(name)
    const entry = this.#find(name)
    if (entry === undefined || entry.revoke === null) return
    entry.revoked ??= entry.revoke()
  }

  async #end(): Promise<void> {
    this.#stop.abort()
    this.#watch.stop()
    // one that is being obtained when the run ends is revoked as well
    await this.#obtaining?.catch(() => {})
    for (const { policy } of this.#entries) this.#leaseEnded(policy.name)
    await Promise.all(this.#entries.map(({ revoked }) => revoked)) // each has its own time, of seconds
  }
}

function issued(material: Material): IssuedValue {
  if (material.kind === 'value') return { kind: 'value', value: material.value.reveal() ?? '' }
  const { accessKeyId, secret, sessionToken } = material.keys
  return {
    kind: 'aws',
    accessKeyId,
    secret: secret.reveal() ?? '',
    sessionToken: sessionToken?.reveal() ?? null,
  }
}
