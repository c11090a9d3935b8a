/** ClientHellos: made by hand where a client would not send one, and caught from real clients. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

export interface HelloParts {
  readonly version?: number
  readonly session?: number
  readonly ciphers?: number
  readonly extensions?: readonly (readonly [type: number, content: Uint8Array])[] | null
}

/** A handshake message, type and length included. */
export function helloMessage(parts: HelloParts = {}): Buffer {
  const { version = 0x0303, session = 32, ciphers = 2, extensions = [sni('api.test')] } = parts
  const body = Buffer.concat([
    u16(version),
    Buffer.alloc(32, 7),
    Buffer.of(session),
    Buffer.alloc(session, 9),
    u16(ciphers * 2),
    Buffer.alloc(ciphers * 2, 0x13),
    Buffer.of(1, 0),
    ...(extensions === null
      ? []
      : [block(Buffer.concat(extensions.flatMap(([type, content]) => [u16(type), block(content)])))]),
  ])
  return Buffer.concat([Buffer.of(1, body.length >> 16, (body.length >> 8) & 255, body.length & 255), body])
}

export function sni(...names: readonly string[]): readonly [number, Buffer] {
  return [
    0,
    block(Buffer.concat(names.flatMap((name) => [Buffer.of(0), block(Buffer.from(name, 'latin1'))]))),
  ]
}

/** One record of the handshake; cut into pieces of these sizes, each a record of its own. */
export function records(message: Uint8Array, sizes: readonly number[] = [], version = 0x0301): Buffer {
  const pieces: Uint8Array[] = []
  let at = 0
  for (const size of sizes) {
    if (at + size >= message.length) break
    pieces.push(message.subarray(at, at + size))
    at += size
  }
  pieces.push(message.subarray(at))
  return Buffer.concat(pieces.flatMap((piece) => [Buffer.of(22), u16(version), block(piece)]))
}

export function block(content: Uint8Array): Buffer {
  return Buffer.concat([u16(content.length), content])
}

export function u16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 255)
}

/** What a real client begins with when it is told to go to a port of this machine: the first bytes, until it waits. */
export async function caught(argv: (port: number) => readonly string[]): Promise<Buffer> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const [program = '', ...args] = argv(port)
  const client = spawn(program, args, { stdio: ['pipe', 'ignore', 'ignore'] })
  const ended = once(client, 'close')
  try {
    const [socket] = (await Promise.race([
      once(server, 'connection'),
      ended.then(() => Promise.reject(new Error(`${program} did not connect`))),
    ])) as [Socket]
    socket.on('error', () => {})
    const pieces: Buffer[] = []
    for (;;) {
      const [piece] = (await once(socket, 'data')) as [Buffer]
      pieces.push(piece)
      const all = Buffer.concat(pieces)
      if (all.length >= 5 && all.length >= 5 + all.readUInt16BE(3)) {
        socket.destroy()
        return all
      }
    }
  } finally {
    server.close()
    client.kill('SIGKILL')
    await ended.catch(() => {})
  }
}
