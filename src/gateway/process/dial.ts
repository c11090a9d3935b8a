import { connect, type Socket } from 'node:net'
import type { CheckedAddress } from '../../network/index.js'
import { held } from '../../plan/index.js'
import type { Inlet } from './inlet.js'

export type Dialled = { readonly socket: Socket } | { readonly socket: null; readonly problem: string }

/**
 * Connects to an address that was checked: there is no other way out of this process. The socket is paused, and does not end by
 * itself when the other side has. `own`: it was judged as an address of this host's own. `inlet`: takes what the host sends, in
 * place of the stream.
 */
export function dial(
  { address, family }: CheckedAddress,
  port: number,
  timeoutMs: number,
  own: boolean,
  inlet: Inlet | null = null,
): Promise<Dialled> {
  return new Promise((resolve) => {
    const socket = connect({
      host: address,
      port,
      family,
      noDelay: true,
      allowHalfOpen: true,
      lookup: neverAsked,
      ...(inlet === null ? {} : { onread: inlet.onread }),
    })
    // Node reads a socket that is connected, but for one that was paused
    if (inlet !== null) socket.pause()
    const failed = (problem: string) => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ socket: null, problem })
    }
    const timer = setTimeout(() => failed('ETIMEDOUT'), timeoutMs)
    const onError = (error: NodeJS.ErrnoException) => failed(error.code ?? 'EFAIL')
    socket.once('error', onError)
    socket.once('connect', () => {
      // what was dialled is what was checked, or nothing is: a connection that ends elsewhere is not used
      if (socket.remoteAddress !== address) return failed('EADDRCHANGED')
      // a connection to an address of this host's begins there: it became one since it was judged, and no byte was sent yet
      if (socket.localAddress === address && !own && held('gateway-own-addresses'))
        return failed('EADDRCHANGED')
      clearTimeout(timer)
      socket.off('error', onError)
      socket.on('error', () => {}) // whoever uses it hears 'close'
      resolve({ socket })
    })
  })
}

/** An address is not looked up; should Node ever ask, it gets no answer. */
const neverAsked = (
  _name: string,
  _options: unknown,
  done: (error: Error, address: string, family: number) => void,
) => done(new Error('an address is not looked up'), '', 0)
