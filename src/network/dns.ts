import ipaddr from 'ipaddr.js'
import { held } from '../plan/index.js'
import { canonicalWireName } from '../policy/index.js'
import { CLASS_IN, type Question, readQuery, TYPE } from './dns-query.js'
import { type Answer, addressRecord, anyRecord, nameRecord, RCODE, writeReply } from './dns-reply.js'
import { isLoopbackName, isMetadataName } from './names.js'
import type { SyntheticAddresses } from './synthetic.js'
import type { Denial } from './verdicts.js'

export interface Zone {
  /** whether a canonical name has an address inside */
  allows(name: string): boolean
  readonly addresses: SyntheticAddresses
  /** whether the job has a loopback of its own, so that `localhost` leads to it */
  readonly loopback: boolean
}

export interface DnsAnswer {
  /** `null`: nothing is sent */
  readonly reply: Uint8Array | null
  /** what is to be recorded; the name as the question had it where it has no canonical form */
  readonly refused: { readonly name: string | null; readonly verdict: Denial } | null
}

/**
 * Answers a question of the job from what the policy says, asking nobody: so no question leaves, and none can carry anything out.
 * Never throws.
 * @param packet the message alone; by TCP, without the two bytes of its length
 */
export function answerQuery(packet: Uint8Array, zone: Zone, _transport: 'udp' | 'tcp' = 'udp'): DnsAnswer {
  const query = readQuery(packet)
  if (query === null) return { reply: null, refused: { name: null, verdict: 'denyRequest' } }
  const { question } = query
  const refused = (rcode: number, verdict: Denial, name = question?.name ?? null): DnsAnswer => ({
    reply: writeReply(query, { rcode }),
    refused: { name, verdict },
  })
  if (query.opcode !== 0) return refused(RCODE.notImplemented, 'denyRequest')
  if (question === null || !query.wellFormed) return refused(RCODE.formatError, 'denyRequest')
  if (query.edns !== null && query.edns.version !== 0) return refused(RCODE.badVersion, 'denyRequest')
  if (question.class !== CLASS_IN || isTransferOrMeta(question.type))
    return refused(RCODE.refused, 'denyRequest')

  const { answer, refusal } = resolve(question, zone)
  return { reply: writeReply(query, answer), refused: refusal }
}

interface Resolved {
  readonly answer: Answer
  readonly refusal: DnsAnswer['refused']
}

const NOTHING: Resolved = { answer: { rcode: RCODE.noError, nothing: true }, refusal: null }

function resolve({ name: asked, type }: Question, zone: Zone): Resolved {
  const canonical = canonicalWireName(asked)
  const name = 'kind' in canonical && canonical.kind === 'name' ? canonical.name : null
  if (name === null) return reverse(asked, type, zone) ?? noSuchName(asked)
  if (isLoopbackName(name)) return zone.loopback ? addressed(type, '127.0.0.1', '::1') : noSuchName(name)
  if (isMetadataName(name)) return noSuchName(name, 'denyMetadata')
  if (held('gateway-names') && !zone.allows(name)) return reverse(name, type, zone) ?? noSuchName(name)

  const [four, six] = [zone.addresses.addressOf(name, 4), zone.addresses.addressOf(name, 6)]
  if (four === null || six === null)
    return { answer: { rcode: RCODE.refused }, refusal: { name, verdict: 'denyBudget' } }
  return addressed(type, four, six)
}

/** Of an allowed name: its address, and of every other type nothing, so that no HTTPS or SVCB record leads elsewhere. */
function addressed(type: number, four: string, six: string): Resolved {
  if (type === TYPE.A) return found(addressRecord(four))
  if (type === TYPE.AAAA) return found(addressRecord(six))
  return type === TYPE.ANY ? found(anyRecord()) : NOTHING
}

function found(record: Uint8Array): Resolved {
  return { answer: { rcode: RCODE.noError, records: [record] }, refusal: null }
}

function noSuchName(name: string, verdict: Denial = 'denyName'): Resolved {
  return { answer: { rcode: RCODE.noSuchName, nothing: true }, refusal: { name, verdict } }
}

/** The name behind an address that stands for one; `null`: the question is no such. */
function reverse(asked: string, type: number, zone: Zone): Resolved | null {
  const address = reversed(asked.toLowerCase().replace(/\.$/, ''))
  if (address === null) return null
  const loopback = zone.loopback && (address === '127.0.0.1' || address === '::1')
  const name = loopback ? 'localhost' : zone.addresses.nameOf(address)
  if (name === null) return null
  return type === TYPE.PTR || type === TYPE.ANY ? found(nameRecord(name)) : NOTHING
}

/** `1.0.18.198.in-addr.arpa` (RFC 1035, 3.5), and the 32 digits of ip6.arpa (RFC 3596, 2.5). */
function reversed(name: string): string | null {
  const [, four] = /^((?:\d{1,3}\.){4})in-addr\.arpa$/.exec(name) ?? []
  if (four !== undefined) return spelled(four.split('.').slice(0, 4).reverse().join('.'))
  const [, six] = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name) ?? []
  if (six === undefined) return null
  const digits = six.replaceAll('.', '').split('').reverse().join('')
  return spelled((digits.match(/.{4}/g) ?? []).join(':'))
}

function spelled(address: string): string | null {
  if (!ipaddr.isValid(address)) return null
  const parsed = ipaddr.parse(address)
  return parsed instanceof ipaddr.IPv6 ? parsed.toRFC5952String() : parsed.toString()
}

/** Zone transfers, signatures and the like: what is asked of a server, not of a name (RFC 6895, 3.1). */
function isTransferOrMeta(type: number): boolean {
  return type === 0 || type === TYPE.OPT || (type >= 128 && type <= 254)
}
