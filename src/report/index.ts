import type { Claim, ClaimStatus } from '../plan/index.js'
import type { BoundaryName } from '../policy/index.js'

/** Why a run ended. Exactly one for every started run. */
export const REASONS = [
  'exited',
  'signal',
  'deadline',
  'noOutput',
  'memory',
  'output',
  'cancelled',
  'rejected',
  'failed',
] as const
export type Reason = (typeof REASONS)[number]

export interface Usage {
  /** from acceptance to the end of clean-up, ms */
  readonly wallMs: number
  /** from acceptance until it was its turn, ms; 0 where nothing bounds what runs at once */
  readonly queueMs: number
  /** from acceptance until the command ran, ms */
  readonly startMs: number
  /** CPU time of the sandbox, ms */
  readonly cpuMs: number
  /** highest memory of all processes together; where no cgroup counts it, of the largest one; bytes */
  readonly peakMemoryBytes: number
  readonly stdoutBytes: number
  readonly stderrBytes: number
}

export interface CollectedFile {
  /** absolute path inside */
  readonly path: string
  readonly bytes: number
  /** hex */
  readonly sha256: string
}

/** Something that the job tried on the network, and what was decided. What was tried the same way again is counted, not repeated. */
export interface NetworkAttempt {
  /** RFC 3339, of the first */
  readonly at: string
  readonly protocol: 'dns' | 'tcp' | 'tls' | 'http' | 'https' | 'udp' | 'icmp' | 'other'
  /** canonical; `null`: it was tried by address */
  readonly name: string | null
  /** that was dialled or would have been; `null`: it did not come to that */
  readonly address: string | null
  readonly port: number | null
  /** `allow`, or one of the names in docs/network.md, e.g. `denyMetadata` */
  readonly verdict: string
  /** the rule that decided, e.g. `network.allow[0]` */
  readonly rule: string | null
  readonly sentBytes: number
  readonly receivedBytes: number
  /** how often */
  readonly count: number
  /** of HTTP requests */
  readonly method?: string
  readonly path?: string
  /** what went wrong although it was allowed, e.g. `ECONNREFUSED` */
  readonly problem?: string
  /** which line of the policy would allow it; for the caller, never for the job */
  readonly hint?: string
}

/** A credential's life in one sandbox. */
export interface CredentialLease {
  readonly name: string
  /** RFC 3339 */
  readonly issuedAt: string
  readonly endedAt: string
  /** requests that carried it */
  readonly uses: number
  /** that were to carry it, or its placeholder, and were refused */
  readonly refused: number
  /** by what: its time, its uses, its value's own expiry, the caller, the end of the sandbox or of the gateway */
  readonly ended: 'ttl' | 'uses' | 'expired' | 'revoked' | 'sandbox' | 'gateway'
  /** whether its server has forgotten what was minted for the run; absent: nothing was that can be revoked */
  readonly revoked?: boolean
  /** why Glovebox itself ended it */
  readonly why?: string
}

/** `digest`: of the image that the name stood for then. */
export type ReportedRoot =
  | { readonly kind: 'host' }
  | { readonly kind: 'dir'; readonly path: string }
  | { readonly kind: 'image'; readonly reference: string; readonly digest: string }

/** What one run did, in the shape that `--report` writes. */
export interface Report {
  readonly version: 1
  readonly id: string
  readonly tenant: string | null
  /** RFC 3339 */
  readonly startedAt: string
  /** of the effective policy, flags included; `null` when there was none to run under */
  readonly policySha256: string | null
  readonly boundary: BoundaryName | null
  /** what the root was; `null` when there was none to run in */
  readonly root: ReportedRoot | null
  /**
   * `warm`: it had been started before the run asked for one, and waited; `run`: which run in it this was, of at most `of`; `null` when there
   * was none
   */
  readonly sandbox: { readonly warm: boolean; readonly run: number; readonly of: number } | null
  /** without its arguments, which is said in place of them, where a credential's value was not known that could be in them */
  readonly command: readonly string[]
  readonly result: {
    readonly reason: Reason
    readonly exitCode: number | null
    readonly signal: string | null
    /** one sentence when there is more to say than the reason; else `null` */
    readonly message: string | null
  }
  readonly usage: Usage
  readonly network: readonly NetworkAttempt[]
  /** attempts beyond those in `network`, which is bounded */
  readonly networkOmitted: number
  readonly credentials: readonly CredentialLease[]
  readonly claims: readonly {
    readonly id: string
    readonly status: ClaimStatus
    readonly by: readonly string[]
  }[]
  readonly inputs: readonly CollectedFile[]
  readonly outputs: readonly CollectedFile[]
  readonly waivers: readonly string[]
}

/** `observed`: what became of promises that the plan could not be certain of; `status` absent: kept. */
export function claimsInReport(
  claims: readonly Claim[],
  observed: readonly { readonly id: string; readonly by: string; readonly status?: ClaimStatus }[],
): Report['claims'] {
  return claims.map(({ id, status, by }) => {
    const seen = observed.find((each) => each.id === id)
    return seen === undefined ? { id, status, by } : { id, status: seen.status ?? 'enforced', by: [seen.by] }
  })
}

export const NO_USAGE: Usage = {
  wallMs: 0,
  queueMs: 0,
  startMs: 0,
  cpuMs: 0,
  peakMemoryBytes: 0,
  stdoutBytes: 0,
  stderrBytes: 0,
}

/** A command as it may be written down where values were not obtained that its caller may have put into it. */
export function withoutArguments([program, ...rest]: readonly string[]): string[] {
  const count = rest.length === 1 ? '1 argument' : `${rest.length} arguments`
  return [program ?? '', ...(rest.length === 0 ? [] : [`[${count} left out: no value was known yet]`])]
}
