/**
 * Node's channel believes the process at its other end: what is no JSON, or an answer to a handle that nobody sent, throws where no
 * caller can catch it, and would end the supervisor with all that it serves. The gateway reads hostile bytes, so it is not believed.
 */
import type { ChildProcess } from 'node:child_process'

/** The pipe below the channel, which Node keeps behind a symbol: its types have neither. */
interface ChannelHandle {
  onread: (bytes?: ArrayBuffer) => void
  /** what came along with the bytes, as a handle of libuv */
  pendingHandle?: { close(): void } | null
}

/** Of one message: a thousand attempts, with names and paths as long as the log lets them be, are a third of it. */
const MAX_LINE_BYTES = 32 << 20
const LINE_END = 10

/** `onBreach`: it said what it never says. Nothing that comes after is read. */
export function guardChannel(child: ChildProcess, onBreach: () => void): void {
  const handle = channelHandle(child)
  if (handle === undefined) return
  const read = handle.onread
  let lineBytes = 0
  let breached = false
  const breach = () => {
    breached = true
    onBreach()
  }
  guardInternals(child, breach)
  handle.onread = function (this: ChannelHandle, bytes) {
    if (breached && bytes !== undefined) return
    if (this.pendingHandle) {
      this.pendingHandle.close()
      this.pendingHandle = null
      return breach()
    }
    const end = bytes === undefined ? -1 : Buffer.from(bytes).lastIndexOf(LINE_END)
    lineBytes = end === -1 ? lineBytes + (bytes?.byteLength ?? 0) : (bytes?.byteLength ?? 0) - end
    if (lineBytes > MAX_LINE_BYTES) return breach()
    try {
      read.call(this, bytes)
    } catch {
      breach()
    }
  }
}

/** What Node's two ends say to each other of handles. They go to the gateway, which answers that it has them, and never come from it. */
function guardInternals(child: ChildProcess, breach: () => void): void {
  const listeners = child.listeners('internalMessage')
  child.removeAllListeners('internalMessage')
  child.on('internalMessage', (message: { readonly cmd?: unknown }, handle: unknown) => {
    if (message.cmd === 'NODE_HANDLE') return breach()
    try {
      for (const listener of listeners) listener.call(child, message, handle)
    } catch {
      breach()
    }
  })
}

/** `undefined`: it was not started, or Node keeps it elsewhere now (a test would tell) */
function channelHandle(child: ChildProcess): ChannelHandle | undefined {
  const symbol = Object.getOwnPropertySymbols(child).find(
    ({ description }) => description === 'kChannelHandle',
  )
  return symbol === undefined ? undefined : (child as unknown as Record<symbol, ChannelHandle>)[symbol]
}
