import type { Socket } from 'node:net'

/**
 * Ends a connection so that the other side knows that it was cut off. One that was half-closed already is only closed: libuv
 * refuses to reset it (EINVAL, uv_tcp_close_reset), and Node then never closes it at all.
 */
export function reset(socket: Socket): void {
  if (socket.destroyed) return
  const halfClosed = socket.writableEnded && socket.writableLength === 0
  if (halfClosed) socket.destroy()
  else socket.resetAndDestroy()
}
