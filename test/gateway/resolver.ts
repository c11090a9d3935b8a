/** A real DNS server on this host's loopback, which answers as a test says: late, wrongly, or each time anew. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { type Answer, decode, encode, type Packet } from 'dns-packet'

export interface Asked {
  readonly name: string
  readonly type: string
  /** how often this name and type were asked for before */
  readonly before: number
  readonly packet: Buffer
  /** answers with these addresses of the asked type, and more records if any */
  answer(addresses: readonly string[], more?: readonly Answer[]): void
  raw(bytes: Uint8Array): void
  reply(packet: Packet): Buffer
}

export class TestResolver {
  readonly asked: string[] = []
  readonly #socket: Socket = createSocket('udp4')
  readonly #names: Readonly<Record<string, (asked: Asked) => void>>

  constructor(names: Readonly<Record<string, (asked: Asked) => void>>) {
    this.#names = names
    this.#socket.on('message', (packet, from) => this.#hear(packet, from))
  }

  /** `address:port`, as the gateway is told */
  start(): Promise<string> {
    return new Promise((resolve) => {
      this.#socket.bind(0, '127.0.0.1', () => resolve(`127.0.0.1:${this.#socket.address().port}`))
    })
  }

  close(): void {
    this.#socket.close()
  }

  #hear(packet: Buffer, from: RemoteInfo): void {
    const { id, questions } = decode(packet)
    const [question] = questions ?? []
    if (question === undefined) return
    const { name, type } = question
    const before = this.asked.filter((each) => each === `${name} ${type}`).length
    this.asked.push(`${name} ${type}`)
    const raw = (bytes: Uint8Array) => this.#socket.send(bytes, from.port, from.address)
    const reply = (more: Packet) =>
      encode({ type: 'response', id: id ?? 0, flags: 0x0180, questions: [question], ...more })
    const answer = (addresses: readonly string[], more: readonly Answer[] = []) => {
      const fit = addresses.filter((each) => each.includes(':') === (type === 'AAAA'))
      const records = fit.map((data) => ({ type: type as 'A', name, ttl: 60, data }))
      raw(reply({ answers: [...more, ...records] }))
    }
    const handler = this.#names[name]
    if (handler === undefined) raw(reply({ flags: 0x0183 }))
    else handler({ name, type, before, packet, answer, raw, reply })
  }
}
