// A job that goes on using what it has after its time. Says `open` when an answer of each kind is on its way, and a WebSocket; ends them
// itself only where it is told to. Prints what it heard; its argv: the host, and `end` or nothing.
import { connect as connectH2 } from 'node:http2'
import { Agent, request } from 'node:https'
import { WebSocket } from 'ws'

const { PORT, SOCKETS } = process.env
const [host, ends] = process.argv.slice(2)
let opened = 0
function open() {
  opened += 1
  if (opened !== 4) return
  console.error('open') // whoever ends the lease waits for it
  if (ends) void old('/stop')
}
const old = (path, more = {}) =>
  new Promise((resolve) => {
    let [status, bytes] = [0, 0]
    const done = (end) => resolve({ status, end, bytes })
    const asking = request({ host, port: PORT, path, ...more }, (answer) => {
      status = answer.statusCode
      if (path === '/slow') answer.once('data', open)
      answer.on('data', (piece) => (bytes += piece.length))
      answer.on('end', () => done('whole'))
      answer.on('error', () => done('cut'))
    })
    asking.on('error', (error) => done(error.code ?? error.message))
    asking.end()
  })
const session = connectH2(`https://${host}:${PORT}`)
session.on('error', () => {})
const stream = (path) =>
  new Promise((resolve) => {
    if (session.destroyed) return resolve({ status: 0, end: 'closed' })
    const asking = session.request({ ':path': path })
    let [status, bytes, whole] = [0, 0, false]
    asking.on('response', (fields) => (status = fields[':status']))
    if (path === '/slow') asking.once('data', open)
    asking.on('data', (piece) => (bytes += piece.length))
    asking.on('end', () => (whole = true))
    asking.on('error', () => (whole = false))
    asking.on('close', () =>
      resolve({
        status,
        end: whole && asking.rstCode === 0 ? 'whole' : 'cut',
        bytes,
      }),
    )
  })
const socket = () =>
  new Promise((resolve) => {
    const client = new WebSocket(`wss://${host}:${SOCKETS}/`)
    let echoes = 0
    let timer
    client.on('open', () => {
      timer = setInterval(() => client.send('still there'), 100)
    })
    client.on('message', () => {
      echoes += 1
      if (echoes === 1) open()
      if (echoes === 5 && ends) client.close(1000)
    })
    client.on('error', () => {})
    client.on('close', (code) => {
      clearInterval(timer)
      resolve({ code, echoes })
    })
  })

/** Goes on sending. */
const upload = () =>
  new Promise((resolve) => {
    const asking = request({ host, port: PORT, path: '/upload', method: 'POST' }, (answer) => {
      answer.resume()
      clearInterval(timer)
      resolve({ status: answer.statusCode })
    })
    let pieces = 0
    const timer = setInterval(() => {
      pieces += 1
      if (pieces === 5) open()
      if (pieces > 5 && ends) asking.end('the end')
      else asking.write('piece')
      if (pieces > 5 && ends) clearInterval(timer)
    }, 20)
    asking.on('error', (error) => {
      clearInterval(timer)
      resolve({ status: 0, end: error.code ?? error.message })
    })
  })

const kept = new Agent({ keepAlive: true, maxSockets: 1 })
const seen = { first: await old('/now', { agent: kept }), stream: await stream('/now') }
const all = await Promise.all([old('/slow'), stream('/slow'), socket(), upload()])
;[seen.slow, seen.slowStream, seen.socket, seen.upload] = all
seen.kept = await old('/now', { agent: kept })
seen.another = await old('/now')
seen.anotherStream = await stream('/now')
console.log(JSON.stringify(seen))
process.exit()
