/** Resolvers over TCP and TLS, the web in clear and in TLS, on every address; the web's connections end after one answer. */
import type { World } from '../support/internet/world.js'

export default (world: World): void => {
  world.http(80, (_request, response) => {
    response.shouldKeepAlive = false
    response.end('hello')
  })
  for (const port of [53, 443, 853]) world.tcp(port, (socket) => socket.end('decoy'))
}
