import type { NetworkRule } from '../../plan/index.js'
import type { Attempted } from './attempted.js'
import type { Incoming } from './incoming.js'
import { Inlet } from './inlet.js'
import { Meter } from './meter.js'
import { pour, VERDICT_OF } from './pour.js'
import { reach } from './reach.js'
import { reset } from './reset.js'

/** Bytes as they come, to an address that was checked. */
export function passTcp(incoming: Incoming): Promise<void> {
  return passOn(incoming, incoming.rules[0], 'tcp')
}

/** Connects, sends what has begun, and lets both sides speak until one limit or both of them end it. */
export async function passOn(
  { network, client, target, port, begun }: Incoming,
  rule: NetworkRule,
  protocol: 'tcp' | 'tls',
): Promise<void> {
  const what: Attempted = { protocol, target, port }
  const meter = new Meter(network.budgetOf(rule), network.budget)
  if (!meter.open()) {
    network.record({ ...what, verdict: 'denyBudget', rule })
    return reset(client)
  }
  const inlet = new Inlet()
  const reached = await reach(network, rule, what, port, inlet)
  if (reached.socket === null) {
    meter.close()
    reset(client)
    const { verdict, address, problem } = reached
    return network.record({ ...what, verdict, rule, address, problem })
  }
  const { socket, address } = reached
  const pouring = pour(client, socket, meter, network.plan.timeouts.idleMs, network.now, inlet)
  const forget = network.whenEnded(() => pouring.stop('ended'))
  for (const bytes of begun) pouring.send('up', bytes)
  const end = await pouring.end
  forget()
  meter.close()
  const { sentBytes, receivedBytes } = meter
  network.record({ ...what, verdict: VERDICT_OF[end], rule, address, sentBytes, receivedBytes })
}
