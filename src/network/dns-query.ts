/** Reads a question as it comes from a job (RFC 1035, 4). Own code, because what is lost by decoding is what attacks are made of. */

export const TYPE = { A: 1, SOA: 6, PTR: 12, HINFO: 13, AAAA: 28, OPT: 41, ANY: 255 } as const
export const CLASS_IN = 1

export interface Query {
  readonly id: number
  readonly opcode: number
  /** recursion desired and checking disabled, as they stand in the header: they are echoed */
  readonly flags: number
  /** the one question as it was sent, letter case included; `null`: it has none that can be read, or not one */
  readonly question: Question | null
  readonly edns: { readonly version: number; readonly dnssecOk: boolean } | null
  /** all of it could be read to its end, and stands where it should */
  readonly wellFormed: boolean
}

export interface Question {
  readonly bytes: Uint8Array
  /** with a dot between labels, in the case that was sent; what is not a plain character is `\DDD` (RFC 1035, 5.1) */
  readonly name: string
  readonly type: number
  readonly class: number
}

const HEADER_BYTES = 12
const NAME_BYTES = 255
const QR = 0x8000
const ECHOED = 0x0110
/** EDNS, and what goes with it (cookies are inside; a TSIG, which nobody here can check). */
const MAX_ADDITIONAL = 4

/** `null`: nothing that an answer could be sent to: too short for a header, or itself an answer (which would go on for ever). */
export function readQuery(packet: Uint8Array): Query | null {
  if (packet.length < HEADER_BYTES) return null
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength)
  const flags = view.getUint16(2)
  if ((flags & QR) !== 0) return null
  const head = { id: view.getUint16(0), opcode: (flags >> 11) & 15, flags: flags & ECHOED }
  const unread: Query = { ...head, question: null, edns: null, wellFormed: false }

  const [questions, answers, authorities, additional] = [4, 6, 8, 10].map((at) => view.getUint16(at))
  const read = questions === 1 ? readQuestion(packet, view) : null
  if (read === null) return unread
  const { question, end } = read
  if (answers !== 0 || authorities !== 0 || additional === undefined || additional > MAX_ADDITIONAL)
    return { ...unread, question }
  return { ...unread, question, ...readAdditional(packet, view, end, additional) }
}

function readQuestion(packet: Uint8Array, view: DataView): { question: Question; end: number } | null {
  const name = readName(packet, HEADER_BYTES)
  if (name === null || name.end + 4 > packet.length) return null
  const end = name.end + 4
  const bytes = packet.slice(HEADER_BYTES, end)
  return {
    question: { bytes, name: name.text, type: view.getUint16(name.end), class: view.getUint16(name.end + 2) },
    end,
  }
}

/** Without compression: in the first name of a message there is nothing to point at but itself and the header. */
function readName(packet: Uint8Array, start: number): { text: string; end: number } | null {
  const labels: string[] = []
  for (let at = start; at < packet.length && at - start < NAME_BYTES; ) {
    const length = packet[at] ?? 0
    if (length === 0) return { text: labels.join('.'), end: at + 1 }
    if (length > 63 || at + 1 + length > packet.length) return null
    labels.push(String.fromCharCode(...packet.subarray(at + 1, at + 1 + length)).replace(UNPLAIN, escaped))
    at += 1 + length
  }
  return null
}

/** A dot inside a label is no border between two: `evil.allowed` in one label is not `allowed`'s child. */
const UNPLAIN = /[^!-~]|[.\\]/g

function escaped(character: string): string {
  return `\\${String(character.charCodeAt(0)).padStart(3, '0')}`
}

function readAdditional(
  packet: Uint8Array,
  view: DataView,
  start: number,
  count: number,
): Pick<Query, 'edns' | 'wellFormed'> {
  let edns: Query['edns'] = null
  let at = start
  for (let left = count; left > 0; left--) {
    // of what may stand here, only names of the root (OPT's; RFC 6891, 6.1.2) or plain ones are read
    const name = readName(packet, at)
    if (name === null || name.end + 10 > packet.length) return { edns, wellFormed: false }
    const type = view.getUint16(name.end)
    at = name.end + 10 + view.getUint16(name.end + 8)
    if (at > packet.length) return { edns, wellFormed: false }
    if (type !== TYPE.OPT) continue
    if (edns !== null || name.text !== '') return { edns, wellFormed: false }
    edns = { version: packet[name.end + 5] ?? 0, dnssecOk: ((packet[name.end + 6] ?? 0) & 0x80) !== 0 }
  }
  return { edns, wellFormed: at === packet.length }
}
