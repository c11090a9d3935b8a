/** From a target to a connected host that has shown a certificate for it: over the address that was checked, and no other. */
import type { Socket } from 'node:net'
import {
  checkServerIdentity,
  connect,
  type PeerCertificate,
  type SecureContext,
  type TLSSocket,
} from 'node:tls'
import type { Target } from '../../../network/index.js'
import { held, type NetworkRule } from '../../../plan/index.js'
import type { Attempted } from '../attempted.js'
import { type Reached, reach } from '../reach.js'
import { carriedBy } from '../reset.js'
import type { SandboxNetwork } from '../sandbox-network.js'
import type { Spoken } from './protocols.js'

export type SecurelyReached =
  | { readonly socket: TLSSocket; readonly address: string }
  | Extract<Reached, { readonly socket: null }>

export async function reachSecurely(
  network: SandboxNetwork,
  rule: NetworkRule,
  what: Attempted,
  port: number,
  offered: readonly Spoken[],
  roots: SecureContext,
): Promise<SecurelyReached> {
  const until = network.now() + network.plan.timeouts.connectMs
  const reached = await reach(network, rule, what, port)
  if (reached.socket === null) return reached
  const { address, socket } = reached
  const shaken = await shakeHands(
    network,
    socket,
    what.target,
    offered,
    roots,
    Math.max(1, until - network.now()),
  )
  return shaken.socket === null ? { ...shaken, address } : { socket: shaken.socket, address }
}

type Shaken =
  | { readonly socket: TLSSocket }
  | Omit<Extract<SecurelyReached, { readonly socket: null }>, 'address'>

function shakeHands(
  network: SandboxNetwork,
  carrier: Socket,
  target: Target,
  offered: readonly Spoken[],
  secureContext: SecureContext,
  timeoutMs: number,
): Promise<Shaken> {
  const socket = connect({
    socket: carrier,
    secureContext,
    ALPNProtocols: [...offered],
    // RFC 6066, 3: no address is a server name
    servername: target.kind === 'name' ? target.name : '',
    rejectUnauthorized: held('gateway-certificates'),
    checkServerIdentity: (_asked, certificate) => identityFault(target, certificate),
  })
  carriedBy(socket, carrier)
  return new Promise((resolve) => {
    const failed = (verdict: 'allow' | 'denyCertificate' | 'denyTimeout', problem: string) => {
      stop()
      // before they are closed, which is heard of as another end
      resolve({ socket: null, verdict, problem })
      carrier.destroy()
      socket.destroy()
    }
    const timer = setTimeout(() => failed('denyTimeout', 'ETIMEDOUT'), timeoutMs)
    const forget = network.whenEnded(() => failed('denyTimeout', 'ended'))
    const stop = () => {
      clearTimeout(timer)
      forget()
    }
    const onError = (error: NodeJS.ErrnoException) => {
      const problem = error.code ?? 'EFAIL'
      // set only when it was the certificate
      if (socket.authorizationError) failed('denyCertificate', problem)
      else failed('allow', problem)
    }
    const onClose = () => failed('allow', 'ECONNRESET')
    socket.once('error', onError)
    socket.once('close', onClose)
    socket.once('secureConnect', () => {
      // said twice on purpose: nothing is sent to a host that was not verified
      if (!socket.authorized && held('gateway-certificates'))
        return failed('denyCertificate', 'EUNAUTHORIZED')
      stop()
      socket.off('error', onError)
      socket.off('close', onClose)
      socket.on('error', () => {}) // whoever uses it hears 'close'
      resolve({ socket })
    })
  })
}

/** The name or address must stand among the alternative ones: a common name alone has not counted since RFC 6125. */
function identityFault(target: Target, certificate: PeerCertificate): Error | undefined {
  if (!certificate.subjectaltname)
    return Object.assign(new Error('no alternative name'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  return checkServerIdentity(target.kind === 'name' ? target.name : target.address, certificate)
}
