/** Plans and rules with defaults, for tests that are about one line of them. */
import type { NetworkPlan, NetworkRule } from '../../src/plan/index.js'

export const SECONDS = Number(process.env.GLOVEBOX_FUZZ_SECONDS ?? 1)

/** As long as there is time, shared by so many tests of a file. */
export function fuzzTime(tests: number): { numRuns: number; interruptAfterTimeLimit: number } {
  return { numRuns: Number.POSITIVE_INFINITY, interruptAfterTimeLimit: (SECONDS * 1000) / tests }
}

const UNLIMITED = { maxUploadBytes: null, maxDownloadBytes: null, maxConnections: null, maxRate: null }

export function rule(host: NetworkRule['host'], more: Partial<NetworkRule> = {}): NetworkRule {
  return {
    name: 'network.allow[0]',
    host,
    ports: [{ port: 443, protocol: 'tls' }],
    inspect: false,
    methods: null,
    paths: null,
    upgrade: false,
    private: [],
    budget: UNLIMITED,
    ...more,
  }
}

export function named(name: string, more: Partial<NetworkRule> = {}): NetworkRule {
  return rule({ kind: 'name', name }, more)
}

export function plan(...rules: NetworkRule[]): NetworkPlan {
  return {
    rules,
    loopback: false,
    resolver: '198.18.0.53',
    budget: { maxUploadBytes: 1, maxDownloadBytes: 1, maxConnections: 1, maxRate: 1 },
    timeouts: { connectMs: 1, headMs: 1, idleMs: 1 },
  }
}
