/**
 * The gateway's process. It serves the sandboxes of one supervisor, decides nothing itself (`src/network` does), and ends when the
 * channel to the supervisor does.
 */
import { Budget } from '../../network/index.js'
import type { FromGateway, Resolution, ToGateway } from '../messages.js'
import { Attached } from './attached.js'
import { ownAddresses } from './own-addresses.js'

/** Of all sandboxes together: each connection holds up to two descriptors and some buffers. */
const MAX_CONNECTIONS = 8192

/** Ends at once: what nobody hears is not tried again. */
const FAILED = 70

export function main(): void {
  // not Date: a clock that is set back must not make a second longer, nor a limit shorter
  const now = () => performance.now()
  const total = new Budget(
    { maxConnections: connectionsFor(process.env.GLOVEBOX_OPEN_FILES), maxRate: null, maxUploadBytes: null, maxDownloadBytes: null },
    now,
  )
  const surroundings = { now, own: ownAddresses(now), total }
  const sandboxes = new Map<number, Attached>()
  let resolution: Resolution = { servers: [], hosts: [] }

  const tell = (news: FromGateway) => {
    if (process.connected) process.send?.(news)
  }
  process.on('message', (message, handle) => {
    const said = message as ToGateway
    if (said.kind === 'resolution') resolution = said.resolution
    else if (said.kind === 'attach')
      sandboxes.set(said.id, new Attached(said.id, said.network, said.ends, resolution, surroundings, tell))
    else if (said.kind === 'end') sandboxes.get(said.id)?.take(said.end, handle as object | undefined)
    else {
      sandboxes.get(said.id)?.end()
      sandboxes.delete(said.id)
    }
  })
  process.on('disconnect', () => process.exit(0))
  // a mistake of the gateway's own ends it, and with it every sandbox's network: it must not go on half-right
  process.on('uncaughtException', (error) => {
    process.stderr.write(`gateway: ${error.stack ?? error}\n`, () => process.exit(FAILED))
    setTimeout(() => process.exit(FAILED), 100)
  })
  tell({ kind: 'ready' })
}

/** Descriptors are for connections, two each; some are for listening, for names and for Node itself. */
function connectionsFor(openFiles: string | undefined): number {
  const descriptors = Number(openFiles)
  return descriptors > 256 ? Math.min(MAX_CONNECTIONS, Math.floor((descriptors - 128) / 3)) : 32
}
