/** A gRPC service that serves whoever has the token. */
import grpc from '@grpc/grpc-js'

interface Word {
  readonly word: string
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value))
const parse = (bytes: Buffer) => JSON.parse(bytes.toString()) as Word
const method = (path: string, requestStream: boolean, responseStream: boolean) => ({
  path,
  requestStream,
  responseStream,
  requestSerialize: json,
  requestDeserialize: parse,
  responseSerialize: json,
  responseDeserialize: parse,
})

export interface GrpcHost {
  readonly port: number
  close(): void
}

export async function serveGrpc(
  token: string,
  { key, cert }: { readonly key: string; readonly cert: string },
): Promise<GrpcHost> {
  const known = (metadata: grpc.Metadata) =>
    metadata.get('authorization').length === 1 && metadata.get('authorization')[0] === `Bearer ${token}`
  const stranger = { code: grpc.status.UNAUTHENTICATED, details: 'who is it' }
  const server = new grpc.Server()
  server.addService(
    {
      one: method('/test.Words/One', false, false),
      many: method('/test.Words/Many', false, true),
      both: method('/test.Words/Both', true, true),
      denied: method('/test.Words/Denied', false, false),
    },
    {
      one: (call: grpc.ServerUnaryCall<Word, Word>, done: grpc.sendUnaryData<Word>) =>
        known(call.metadata) ? done(null, { word: `${call.request.word}!` }) : done(stranger),
      many: (call: grpc.ServerWritableStream<Word, Word>) => {
        if (!known(call.metadata)) return call.emit('error', stranger)
        for (let count = 1; count <= 3; count++) call.write({ word: call.request.word.repeat(count) })
        return call.end()
      },
      both: (call: grpc.ServerDuplexStream<Word, Word>) => {
        if (!known(call.metadata)) return call.emit('error', stranger)
        call.on('data', ({ word }: Word) => call.write({ word: word.toUpperCase() }))
        return call.on('end', () => call.end())
      },
      denied: (_call: grpc.ServerUnaryCall<Word, Word>, done: grpc.sendUnaryData<Word>) =>
        done({ code: grpc.status.PERMISSION_DENIED, details: 'not this' }),
    },
  )
  const credentials = grpc.ServerCredentials.createSsl(null, [
    { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) },
  ])
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)))
  })
  return { port, close: () => server.forceShutdown() }
}
