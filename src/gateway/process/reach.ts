/** From a target and its rule to a connected socket: resolve, check every address, dial those that are good. */
import type { Socket } from 'node:net'
import { type CheckedAddress, classifyAddress, type Denial } from '../../network/index.js'
import type { NetworkRule } from '../../plan/index.js'
import type { Attempted } from './attempted.js'
import { dial } from './dial.js'
import type { Inlet } from './inlet.js'
import type { SandboxNetwork } from './sandbox-network.js'

export type Reached =
  | { readonly socket: Socket; readonly address: string }
  /** what stands in the way; for `allow` it is `problem`: the host can't be reached */
  | {
      readonly socket: null
      readonly verdict: Denial | 'allow'
      readonly address: string | null
      readonly problem: string | null
    }

export async function reach(
  network: SandboxNetwork,
  rule: NetworkRule,
  what: Attempted,
  port: number,
  inlet: Inlet | null = null,
): Promise<Reached> {
  const until = network.now() + network.plan.timeouts.connectMs
  const left = () => Math.max(1, until - network.now())
  const { target } = what
  let addresses: readonly string[]
  if (target.kind === 'address') addresses = [target.address]
  else {
    const resolved = await network.names.resolve(target.name, left())
    if (resolved.addresses === null)
      return { socket: null, verdict: 'denyUnresolved', address: null, problem: resolved.problem }
    addresses = resolved.addresses
  }
  const own = await ownOf(network, addresses)
  if (network.ended) return { socket: null, verdict: 'denyTimeout', address: null, problem: 'ended' }
  if ('problem' in own) return { socket: null, verdict: 'allow', address: null, problem: own.problem }
  const { good, bad } = sorted(addresses, rule, own.addresses)
  // of a mixed answer the bad part is on record, whatever becomes of the good one
  const [first, ...others] = bad
  for (const each of good.length > 0 ? bad : others) network.record({ ...what, ...each, rule })
  if (good.length === 0)
    return first === undefined
      ? { socket: null, verdict: 'denyUnresolved', address: null, problem: 'ENODATA' }
      : { socket: null, ...first, problem: null }
  return dialEach(good, port, left, inlet)
}

/** While the kernel can't be asked, as without a descriptor to ask with, nothing is dialled: any address could be this host's. */
async function ownOf({ own }: SandboxNetwork, addresses: readonly string[]) {
  try {
    return { addresses: await own(addresses) }
  } catch (error) {
    return { problem: (error as NodeJS.ErrnoException).code ?? 'EFAIL' }
  }
}

/** … and whether the address is this host's own, which the rule then opens. */
interface Good {
  readonly checked: CheckedAddress
  readonly own: boolean
}

function sorted(addresses: readonly string[], rule: NetworkRule, own: readonly string[]) {
  const good: Good[] = []
  const bad: { address: string; verdict: Denial }[] = []
  for (const address of addresses) {
    const classified = classifyAddress(address, rule.private, own)
    if (classified.verdict === 'allow') good.push({ checked: classified.checked, own: own.includes(address) })
    else bad.push({ address, verdict: classified.verdict })
  }
  return { good, bad }
}

/** One after the other, each with its share of the time that is left. */
async function dialEach(
  good: readonly Good[],
  port: number,
  left: () => number,
  inlet: Inlet | null,
): Promise<Reached> {
  let problem = 'ETIMEDOUT'
  for (const [index, { checked, own }] of good.entries()) {
    const share = Math.ceil(left() / (good.length - index))
    const dialled = await dial(checked, port, share, own, inlet)
    if (dialled.socket !== null) return { socket: dialled.socket, address: checked.address }
    problem = dialled.problem
  }
  const address = good[0]?.checked.address ?? null
  if (problem === 'ETIMEDOUT') return { socket: null, verdict: 'denyTimeout', address, problem }
  return { socket: null, verdict: 'allow', address, problem }
}
