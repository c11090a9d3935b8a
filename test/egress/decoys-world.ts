/** Every address answers on port 80 and on a few that are not for the web. */
import type { World } from '../support/internet/world.js'

export default (world: World): void => {
  world.http(80, (_request, response) => response.end('decoy\n'))
  for (const port of [22, 5432, 8080]) world.tcp(port, (socket) => socket.end('decoy\n'))
}
