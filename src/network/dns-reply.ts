import ipaddr from 'ipaddr.js'
import { CLASS_IN, type Query, TYPE } from './dns-query.js'

export const RCODE = {
  noError: 0,
  formatError: 1,
  noSuchName: 3,
  notImplemented: 4,
  refused: 5,
  badVersion: 16,
} as const

export interface Answer {
  readonly rcode: number
  readonly records?: readonly Uint8Array[]
  /** that there is nothing, which a reader may keep for as long as the SOA says (RFC 2308) */
  readonly nothing?: boolean
}

const QR = 0x8000
const RECURSION_AVAILABLE = 0x0080
/** What is told to be taken by UDP (DNS flag day 2020); nothing that is sent here comes near. */
const UDP_BYTES = 1232
const TTL_SECONDS = 60

/**
 * The message: the question as it came, byte for byte, and what answers it. At most one record of at most 270 bytes beside what was
 * asked, so that every reply fits the 512 bytes that any reader of UDP has, and nothing is worth asking for its size.
 */
export function writeReply(query: Query, answer: Answer): Uint8Array {
  const records = answer.records ?? []
  const authority = answer.nothing === true ? [SOA] : []
  const additional = query.edns === null ? [] : [optRecord(answer.rcode, query.edns.dnssecOk)]
  const flags = QR | (query.opcode << 11) | query.flags | RECURSION_AVAILABLE | (answer.rcode & 15)
  const counts = [query.question === null ? 0 : 1, records.length, authority.length, additional.length]
  return joined([
    ...[query.id, flags, ...counts].map(u16),
    query.question?.bytes ?? new Uint8Array(),
    ...records,
    ...authority,
    ...additional,
  ])
}

/** A or AAAA of the name that was asked for. */
export function addressRecord(address: string): Uint8Array {
  const bytes = ipaddr.parse(address).toByteArray()
  return record(ASKED, bytes.length === 4 ? TYPE.A : TYPE.AAAA, Uint8Array.from(bytes))
}

export function nameRecord(name: string): Uint8Array {
  return record(ASKED, TYPE.PTR, wireName(name))
}

/** What ANY gets: one record, so that nothing is bigger than the question (RFC 8482, 4.2). */
export function anyRecord(): Uint8Array {
  return record(ASKED, TYPE.HINFO, joined([text('RFC8482'), text('')]))
}

/** Points at the name of the question, which stands behind the header. */
const ASKED = Uint8Array.of(0xc0, 12)
const ROOT = Uint8Array.of(0)

function record(name: Uint8Array, type: number, data: Uint8Array): Uint8Array {
  return joined([name, u16(type), u16(CLASS_IN), u32(TTL_SECONDS), u16(data.length), data])
}

function optRecord(rcode: number, dnssecOk: boolean): Uint8Array {
  const flags = Uint8Array.of(rcode >> 4, 0, dnssecOk ? 0x80 : 0, 0)
  return joined([ROOT, u16(TYPE.OPT), u16(UDP_BYTES), flags, u16(0)])
}

/** serial, refresh, retry, expire, and for how long "nothing" holds */
const SOA_TIMES = [1, 3600, 600, 86_400, TTL_SECONDS]
const SOA = record(
  ROOT,
  TYPE.SOA,
  joined([wireName('gateway.invalid'), wireName('nobody.invalid'), ...SOA_TIMES.map(u32)]),
)

function wireName(name: string): Uint8Array {
  return joined([...name.split('.').map(text), ROOT])
}

/** A length and that many ASCII characters: a label, or a string of HINFO. */
function text(characters: string): Uint8Array {
  return Uint8Array.of(characters.length, ...Buffer.from(characters, 'latin1'))
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 255)
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255)
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts)
}
