/** HTTP/2 is loaded when the first connection speaks it. */
import type { Incoming } from '../incoming.js'
import type { SecureWayTo } from './way-to.js'

export async function passHttp2(incoming: Incoming, host: SecureWayTo): Promise<void> {
  const { passHttp2 } = await import('./h2.js')
  await passHttp2(incoming, host)
}
