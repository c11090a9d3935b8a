/** A name server that answers as a probe wants: hostile by design, and for hostile names. */
import { createSocket, type Socket } from 'node:dgram'
import ipaddr from 'ipaddr.js'
import type { Zone } from '../probes/index.js'

export interface Question {
  readonly name: string
  readonly type: number
}

/** Addresses of the world, public by every rule. */
export const DEFAULT_ADDRESSES = ['93.184.215.14', '2606:2800:21f:cb07:6820:80da:af6b:8b2c'] as const

const TYPE = { A: 1, CNAME: 5, TXT: 16, AAAA: 28 } as const

export class NamesDecoy {
  readonly #asked = new Map<string, number>()
  #zone: Zone = {}
  #questions: Question[] = []

  constructor(
    fd: number,
    private readonly canary: string,
  ) {
    const socket = createSocket('udp4')
    socket.on('error', () => {})
    socket.on('message', (packet, from) => {
      const reply = this.#reply(packet)
      if (reply !== null) socket.send(reply, from.port, from.address)
    })
    socket.bind({ fd })
    this.socket = socket
  }

  readonly socket: Socket

  /** From now on; what was asked before is forgotten. */
  answer(zone: Zone): void {
    this.#zone = zone
    this.#asked.clear()
    this.#questions = []
  }

  get questions(): readonly Question[] {
    return this.#questions
  }

  #reply(packet: Buffer): Buffer | null {
    const labels: string[] = []
    let at = 12
    for (let length = packet[at] ?? 0; length > 0; length = packet[at] ?? 0) {
      labels.push(packet.toString('latin1', at + 1, at + 1 + length))
      at += 1 + length
    }
    if (at + 5 > packet.length) return null
    const type = packet.readUInt16BE(at + 1)
    const name = labels.join('.').toLowerCase()
    this.#questions.push({ name, type })
    const records = this.#records(name, type)
    const head = Buffer.alloc(12)
    packet.copy(head, 0, 0, 2)
    head.writeUInt16BE(0x8180, 2)
    head.writeUInt16BE(1, 4)
    head.writeUInt16BE(records.length, 6)
    return Buffer.concat([head, packet.subarray(12, at + 5), ...records])
  }

  #records(name: string, type: number): Buffer[] {
    // whatever else is asked carries the canary: it would be a tunnel
    if (type !== TYPE.A && type !== TYPE.AAAA) return [record(ASKED, TYPE.TXT, text(this.canary))]
    const turns = this.#zone[name] ?? [DEFAULT_ADDRESSES]
    // one lookup asks for both, IPv4 first: its question begins a turn
    const turn = (this.#asked.get(name) ?? 0) + (type === TYPE.A ? 1 : 0)
    this.#asked.set(name, turn)
    const answers = turns[Math.min(Math.max(turn - 1, 0), turns.length - 1)] ?? []
    const records: Buffer[] = []
    let owner: Buffer = ASKED
    for (const answer of answers) {
      if (answer.startsWith('=')) {
        records.push(record(owner, TYPE.CNAME, wireName(answer.slice(1))))
        owner = wireName(answer.slice(1))
        continue
      }
      const bytes = Buffer.from(ipaddr.parse(answer).toByteArray())
      if ((bytes.length === 4 ? TYPE.A : TYPE.AAAA) === type) records.push(record(owner, type, bytes))
    }
    return records
  }
}

/** Points at the name of the question. */
const ASKED = Buffer.of(0xc0, 12)

function record(owner: Buffer, type: number, data: Buffer): Buffer {
  const about = Buffer.alloc(10)
  about.writeUInt16BE(type, 0)
  about.writeUInt16BE(1, 2)
  about.writeUInt16BE(data.length, 8)
  return Buffer.concat([owner, about, data])
}

function wireName(name: string): Buffer {
  return Buffer.concat([...name.split('.').map(text), Buffer.of(0)])
}

/** A length and that many characters. */
function text(characters: string): Buffer {
  return Buffer.concat([Buffer.of(characters.length), Buffer.from(characters, 'latin1')])
}
