/**
 * Credentials of a verification: the policy's own, with decoys for values. No source is asked: a verification runs no command of a
 * vault, reads no file of a secret and has no token minted.
 */
import type { NetworkRule, Plan } from '../../../plan/index.js'
import type { Bench } from '../probe.js'
import { roomy } from '../scaled.js'

export type Credential = Plan['credentials'][number]

/** What a source would have given, and what a host sees of it where it is used. */
export interface DecoyValue {
  readonly given: string
  readonly shown: string
}

/** @param random of this credential in this verification, letters and digits */
export function decoyValue({ use }: Pick<Credential, 'use'>, random: string): DecoyValue {
  // its id is no secret, and what hosts see of the keys
  if (use.kind === 'aws-sigv4')
    return { given: `AKIA${random.slice(0, 16)}:${random}`, shown: `AKIA${random.slice(0, 16)}` }
  return use.kind === 'basic' && use.user === null
    ? { given: `decoy:${random}`, shown: Buffer.from(`decoy:${random}`).toString('base64') }
    : use.kind === 'basic'
      ? { given: random, shown: Buffer.from(`${use.user}:${random}`).toString('base64') }
      : { given: random, shown: random }
}

/** For `PlanRunOptions`: of each credential of the plan. */
export function decoySecrets(
  { credentials }: Pick<Plan, 'credentials'>,
  random: (name: string) => string,
): Record<string, string> {
  return Object.fromEntries(credentials.map((each) => [each.name, decoyValue(each, random(each.name)).given]))
}

/** A host that a rule allows, and no credential is for. */
export const ELSEWHERE = 'elsewhere.glovebox-probe.com'

/**
 * The policy's first credential, for one host, as `changes` say, and with two hosts to be reached: its own and another, each by any
 * request. What is tried is the credential alone; what the rules do is tried by other probes.
 */
export function withOne(plan: Plan, changes: Partial<Credential> = {}): Plan {
  const [own] = plan.credentials
  const [host] = own?.hosts ?? []
  if (own === undefined || host === undefined || plan.network === null)
    throw new RangeError('a plan without a credential')
  const credential: Credential = {
    ...own,
    hosts: [host],
    use: { kind: 'bearer' },
    methods: null,
    paths: null,
    ttlMs: null,
    uses: null,
    onReflection: 'cut',
    ...changes,
  }
  const rules = [open(host.name, [host.port, otherPort(host.port)]), open(ELSEWHERE, [443])]
  return {
    ...roomy(plan),
    credentials: [credential],
    network: {
      ...plan.network,
      rules,
      budget: { ...ANY_AMOUNT },
      timeouts: { ...plan.network.timeouts, ...IN_TIME },
    },
  }
}

export const otherPort = (port: number) => (port === 8080 ? 443 : 8080)

const ANY_AMOUNT = {
  maxUploadBytes: 64 << 20,
  maxDownloadBytes: 64 << 20,
  maxConnections: 64,
  maxRate: 1000,
}
const IN_TIME = { connectMs: 10_000, headMs: 10_000, idleMs: 30_000 }

/** `web`: what is clear is tried, too */
function open(name: string, ports: readonly number[]): NetworkRule {
  return {
    name: 'verify',
    host: { kind: 'name', name: name as never },
    ports: ports.map((port) => ({ port, protocol: 'web' })),
    inspect: true,
    methods: null,
    paths: null,
    upgrade: false,
    private: [],
    budget: { maxUploadBytes: null, maxDownloadBytes: null, maxConnections: null, maxRate: null },
  }
}

/** Of a plan that `withOne` made. */
export function the(plan: Plan): { readonly name: string; readonly host: string; readonly port: number } {
  const [credential] = plan.credentials
  const [host] = credential?.hosts ?? []
  if (credential === undefined || host === undefined) throw new RangeError('a plan without a credential')
  return { name: credential.name, host: host.name, port: host.port }
}

/** What the value is that a job is never to have. */
export function secretValue({ decoys, plan }: Pick<Bench, 'decoys' | 'plan'>): string {
  return decoys.secret(the(plan).name)
}
