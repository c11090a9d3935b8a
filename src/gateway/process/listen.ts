import { createServer, type Socket } from 'node:net'
import { accept } from './accept.js'
import type { SandboxNetwork } from './sandbox-network.js'

/** Connections of a sandbox that wait to be accepted. */
const BACKLOG = 511

/** Takes the connections of a listening socket, made in the sandbox's network, until the sandbox ends. */
export function takeConnections(network: SandboxNetwork, handle: object): Promise<void> {
  return new Promise((resolve, reject) => {
    // paused: nothing is read before it is known who may read it, and how much
    const options = { pauseOnConnect: true, allowHalfOpen: true, noDelay: true }
    const server = createServer(options, (client: Socket) => accept(network, client))
    network.whenEnded(() => server.close())
    // without a descriptor to spare the kernel's own queue refuses; while it starts, the sandbox does not
    server.on('error', reject)
    server.listen(handle, BACKLOG, resolve)
  })
}
