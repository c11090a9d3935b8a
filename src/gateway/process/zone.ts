import { allowsName, type Verdict } from '../../network/index.js'
import type { SandboxNetwork } from './sandbox-network.js'

/** What `answerQuery` asks of a sandbox, and where its refusals go. */
export function zoneOf(network: SandboxNetwork) {
  const { plan, addresses } = network
  return {
    allows: (name: string) => allowsName(plan, name),
    addresses,
    loopback: plan.loopback,
    refused({ name, verdict }: { readonly name: string | null; readonly verdict: Verdict }) {
      const target =
        name === null
          ? ({ kind: 'address', address: plan.resolver } as const)
          : ({ kind: 'name', name } as const)
      // no port: what a rule would have to say is not where names are asked for
      network.record({ protocol: 'dns', target, port: null, verdict, rule: null })
    },
  }
}
