import type { Socket } from 'node:net'

/** TLS has no reset: what carries it has. */
const carriers = new WeakMap<Socket, Socket>()

export function carriedBy(socket: Socket, carrier: Socket): void {
  carriers.set(socket, carrier)
}

/**
 * Ends a connection so that the other side knows that it was cut off. One that was half-closed already is only closed: libuv
 * refuses to reset it (EINVAL, uv_tcp_close_reset), and Node then never closes it at all.
 */
export function reset(socket: Socket): void {
  if (socket.destroyed) return
  const halfClosed = socket.writableEnded && socket.writableLength === 0
  const carrier = carriers.get(socket)
  if (!halfClosed) (carrier ?? socket).resetAndDestroy()
  if (halfClosed || carrier !== undefined) socket.destroy()
}
