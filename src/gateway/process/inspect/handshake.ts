import { type SecureContext, TLSSocket } from 'node:tls'
import type { Denial } from '../../../network/index.js'
import type { Incoming } from '../incoming.js'
import { carriedBy } from '../reset.js'
import type { Spoken } from './protocols.js'

export type Answered =
  | { readonly socket: TLSSocket }
  | { readonly socket: null; readonly verdict: Denial; readonly problem: string | null }

/** Answers the job's ClientHello, which was read already and is read again; what it decides is decided by OpenSSL. */
export function answerHandshake(
  { network, client, begun }: Incoming,
  secureContext: SecureContext,
  protocol: Spoken,
): Promise<Answered> {
  for (const bytes of [...begun].reverse()) client.unshift(bytes)
  const socket = new TLSSocket(client, { isServer: true, secureContext, ALPNProtocols: [protocol] })
  carriedBy(socket, client)
  return new Promise((resolve) => {
    let problem: string | null = null
    const failed = (verdict: Denial) => {
      clearTimeout(timer)
      resolve({ socket: null, verdict, problem })
    }
    const timer = setTimeout(() => failed('denyTimeout'), network.plan.timeouts.headMs)
    const hear = (error: NodeJS.ErrnoException) => {
      problem ??= error.code ?? error.message
    }
    // before the handshake is over Node tells of a failure by this one alone
    socket.on('_tlsError', hear)
    // later ones are heard of as 'close'
    socket.on('error', hear)
    // its certificate went out at once: a job that ends meanwhile did not go on with it, and may have said so unheard
    socket.once('close', () => failed('denyHandshake'))
    socket.once('secure', () => {
      clearTimeout(timer)
      // as Node's own server does; what speaks HTTP/2 would wait for an event that only clients have
      Object.assign(socket, { secureConnecting: false })
      resolve({ socket })
    })
  })
}
