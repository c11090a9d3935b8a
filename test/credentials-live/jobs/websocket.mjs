// A client of WebSockets. Its argv: the URL, and what it says. Prints what it heard.
import { WebSocket } from 'ws'

const [url, ...words] = process.argv.slice(2)
const socket = new WebSocket(url)
const heard = []
socket.on('open', () => {
  for (const word of words) socket.send(word)
})
socket.on('message', (data) => {
  heard.push(String(data))
  if (heard.length === words.length) socket.close(1000)
})
socket.on('unexpected-response', (_request, { statusCode }) => {
  heard.push(`status ${statusCode}`)
  socket.terminate()
})
socket.on('error', (error) => heard.push(`error ${error.code ?? error.message}`))
socket.on('close', () => console.log(JSON.stringify(heard)))
