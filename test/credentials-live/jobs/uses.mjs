// Asks far more often than it may, as streams of one connection at once, some of which it takes back. Prints how many of each status it got.
import { connect } from 'node:http2'

const session = connect(`https://${process.argv[2]}:${process.env.PORT}`)
session.on('error', () => {})
const statuses = {}
await Promise.all(
  Array.from(
    { length: 60 },
    (_, index) =>
      new Promise((resolve) => {
        const stream = session.request({ ':path': '/now' })
        let status = 'none'
        stream.on('response', (fields) => (status = fields[':status']))
        stream.on('error', () => {})
        stream.on('close', () => {
          statuses[status] = (statuses[status] ?? 0) + 1
          resolve()
        })
        stream.resume()
        if (index % 6 === 5) stream.close(8)
      }),
  ),
)
console.log(JSON.stringify(statuses))
process.exit()
