// node relay.mjs PORT: the least that a proxy in Node can be. It decides and counts nothing; prints the port that it listens on.
import { connect, createServer } from 'node:net'

const options = { noDelay: true, allowHalfOpen: true }
const server = createServer({ ...options, pauseOnConnect: true }, (client) => {
  const host = connect({ ...options, port: Number(process.argv[2]), host: '127.0.0.1' })
  client.on('error', () => host.destroy())
  host.on('error', () => client.destroy())
  client.pipe(host)
  host.pipe(client)
}).listen(0, '127.0.0.1', () => console.log(server.address().port))
