import { ClientHelloReader, type Denial, type HelloState, judgeHello } from '../../network/index.js'
import { held } from '../../plan/index.js'
import { type Look, readFirst } from './first-bytes.js'
import type { Incoming } from './incoming.js'
import { inspectionOf } from './inspect/later.js'
import { reset } from './reset.js'
import { passOn } from './tcp.js'

/** Reads the ClientHello, holds it to the name that was looked up, and passes it on with all that follows, unread. */
export async function passTls(incoming: Incoming): Promise<void> {
  const { network, client, target, port, rules } = incoming
  const refuse = (verdict: Denial, problem: string | null = null) => {
    network.record({ protocol: 'tls', target, port, verdict, rule: rules[0], problem })
    reset(client)
  }
  const reader = new ClientHelloReader()
  const look = (chunk: Buffer): Look<HelloState> => {
    const read = reader.push(chunk)
    return read.state === 'more' ? 'more' : { decided: read }
  }
  const early = incoming.begun.map(look).find((seen): seen is { decided: HelloState } => seen !== 'more')
  const first =
    early !== undefined
      ? { ...early, begun: [] }
      : await readFirst(client, network.plan.timeouts.headMs, look)
  if ('nothing' in first) {
    // a client that connects and says nothing, such as a port scan, is no TLS either
    if (network.ended) return refuse('denyTimeout', 'ended')
    return refuse(first.nothing === 'late' ? 'denyTimeout' : 'denyProtocol')
  }
  if (first.decided.state !== 'hello')
    return refuse('denyProtocol', first.decided.state === 'bad' ? first.decided.why : null)
  const verdict = judgeHello(first.decided, target.kind === 'name' ? target.name : null)
  if (verdict !== 'allow' && held('gateway-server-name')) return refuse(verdict)
  const read = { ...incoming, begun: [...incoming.begun, ...first.begun] }
  if (!rules[0].inspect || !held('gateway-inspects')) return passOn(read, rules[0], 'tls')
  // without an authority what was to be looked into is not passed on unread
  const inspection = inspectionOf(network)
  if (inspection === null) return refuse('denyProtocol', 'there is nothing to look into TLS with')
  await inspection.pass(read, first.decided)
}
