// A client of gRPC that knows of no token. Prints what it heard; its argv: the host and port.
import grpc from '@grpc/grpc-js'

const json = (value) => Buffer.from(JSON.stringify(value))
const parse = (bytes) => JSON.parse(bytes.toString())
const method = (path, requestStream, responseStream) => ({
  path,
  requestStream,
  responseStream,
  requestSerialize: json,
  requestDeserialize: parse,
  responseSerialize: json,
  responseDeserialize: parse,
})
const Client = grpc.makeGenericClientConstructor(
  {
    one: method('/test.Words/One', false, false),
    many: method('/test.Words/Many', false, true),
    both: method('/test.Words/Both', true, true),
    denied: method('/test.Words/Denied', false, false),
  },
  'Words',
)
const client = new Client(process.argv[2], grpc.credentials.createSsl())
const all = (call) =>
  new Promise((resolve) => {
    const heard = []
    call.on('data', (value) => heard.push(value))
    call.on('error', ({ code }) => resolve([...heard, `code ${code}`]))
    call.on('end', () => resolve(heard))
  })
const unary = (name) =>
  new Promise((resolve) => {
    client[name]({ word: 'a' }, (error, value) =>
      resolve(error ? `code ${error.code} ${error.details}` : value),
    )
  })
const both = client.both()
const answers = all(both)
for (const word of ['x', 'y', 'z']) both.write({ word })
both.end()
console.log(
  JSON.stringify({
    one: await unary('one'),
    many: await all(client.many({ word: 'b' })),
    both: await answers,
    denied: await unary('denied'),
  }),
)
client.close()
