/** The resolver of one sandbox, over UDP. It knows the answer or refuses: no question is ever passed on. */
import { createSocket, type Socket } from 'node:dgram'
import { answerQuery } from '../../network/index.js'
import type { SandboxNetwork } from './sandbox-network.js'
import { zoneOf } from './zone.js'

/** Questions in any second; what comes beyond is dropped, so that one sandbox can't take all of the gateway's time. */
const MAX_RATE = 2000

export function answerNames(network: SandboxNetwork, handle: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    const zone = zoneOf(network)
    let second = 0
    let asked = 0
    network.whenEnded(() => socket.close())
    socket.on('error', reject) // of a reply that could not be sent: after the start it rejects nothing
    socket.on('message', (packet, from) => {
      const now = Math.floor(network.now() / 1000)
      if (now !== second) [second, asked] = [now, 0]
      asked += 1
      if (asked > MAX_RATE)
        return asked === MAX_RATE + 1 ? zone.refused({ name: null, verdict: 'denyBudget' }) : undefined
      const { reply, refused } = answerQuery(packet, zone, 'udp')
      if (refused !== null) zone.refused(refused)
      if (reply !== null) socket.send(reply, from.port, from.address)
    })
    bindTo(socket, handle, resolve)
  })
}

/** `bind` takes a handle, as the channel of child_process delivers one; its types know only numbers of descriptors. */
function bindTo(socket: Socket, handle: object, done: () => void): void {
  const bind = socket.bind as unknown as (handle: object, done: () => void) => void
  bind.call(socket, handle, done)
}
