import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import dns from 'dns-packet'
import fc from 'fast-check'
import { answerQuery, SyntheticAddresses, type Zone } from '../../src/network/index.js'
import { fuzzTime } from './tools.js'

const TESTS = 3
const NAMES = [
  'api.test',
  'www.api.test',
  'localhost',
  '2.0.18.198.in-addr.arpa',
  'evil.test',
  'a'.repeat(63),
]

const zone: fc.Arbitrary<Zone> = fc.boolean().map((loopback) => ({
  allows: (name) => name.endsWith('api.test'),
  addresses: new SyntheticAddresses(),
  loopback,
}))

const query = fc
  .record({
    id: fc.integer({ min: 0, max: 0xffff }),
    flags: fc.oneof(fc.constant(dns.RECURSION_DESIRED), fc.integer({ min: 0, max: 0x7fff })),
    name: fc.oneof(fc.constantFrom(...NAMES), fc.domain(), fc.string({ maxLength: 60 })),
    type: fc.oneof(
      fc.constantFrom('A', 'AAAA', 'PTR', 'ANY'),
      fc.integer({ min: 0, max: 0xffff }).map((type) => `UNKNOWN_${type}`),
    ),
    edns: fc.boolean(),
  })
  .map(({ id, flags, name, type, edns }) =>
    dns.encode({
      type: 'query',
      id,
      flags,
      questions: [{ name, type: type as never }],
      additionals: edns ? [{ type: 'OPT', name: '.', udpPayloadSize: 4096, options: [] } as never] : [],
    }),
  )

/** A question with some of its bytes changed, taken away or added. */
const damaged = fc
  .tuple(
    query,
    fc.array(fc.tuple(fc.nat({ max: 80 }), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
    fc.nat({ max: 20 }),
    fc.uint8Array({ maxLength: 20 }),
  )
  .map(([packet, changes, cut, added]) => {
    const bytes = Buffer.from(packet)
    for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte
    return Buffer.concat([bytes.subarray(0, Math.max(0, bytes.length - cut)), added])
  })

describe('whatever a job asks', () => {
  const anything = fc.oneof(query, damaged, fc.uint8Array({ maxLength: 700 }))

  test('the reply is small, has the id, and can be read; nothing throws', () => {
    fc.assert(
      fc.property(anything, zone, (packet, where) => {
        const { reply, refused } = answerQuery(packet, where, 'udp')
        if (reply === null) return
        assert.ok(reply.length <= Math.min(512, packet.length + 90))
        const decoded = dns.decode(Buffer.from(reply)) as ReturnType<typeof dns.decode> & { rcode: string }
        assert.equal(decoded.type, 'response')
        assert.equal(decoded.id, Buffer.from(packet).readUInt16BE(0))
        assert.ok((decoded.answers?.length ?? 0) <= 1)
        // an answer, a plain "nothing", or a refusal that is recorded
        assert.ok(refused !== null || decoded.rcode === 'NOERROR')
        if (refused !== null) assert.equal(decoded.answers?.length, 0)
        assert.match(refused?.name ?? 'x', /^[\x21-\x7e]*$/)
      }),
      fuzzTime(TESTS),
    )
  })

  test('an address comes only for a name that is allowed, as another reader of the packet sees it', () => {
    fc.assert(
      fc.property(anything, zone, (packet, where) => {
        const { reply } = answerQuery(packet, where, 'udp')
        if (reply === null) return
        const { answers = [] } = dns.decode(Buffer.from(reply))
        const [answer] = answers
        if (answer?.type !== 'A' && answer?.type !== 'AAAA') return
        const asked =
          dns.decode(Buffer.from(packet)).questions?.[0]?.name.toLowerCase().replace(/\.$/, '') ?? ''
        const own = answer.data === '127.0.0.1' || answer.data === '::1'
        assert.ok(own ? where.loopback && /(^|\.)localhost$/.test(asked) : where.allows(asked), asked)
        assert.equal(where.addresses.nameOf(answer.data), own ? null : asked)
      }),
      fuzzTime(TESTS),
    )
  })

  test('what the peer reader takes for one question with one answer section is not refused as malformed', () => {
    fc.assert(
      fc.property(query, zone, (packet, where) => {
        // the peer's writer puts the end of a name where two dots meet, leaves the rest behind it, and can't read that itself
        if (packet.length !== 12 + nameLength(packet) + 4 + (packet[11] === 1 ? 11 : 0)) return
        const { opcode, questions } = dns.decode(packet) as ReturnType<typeof dns.decode> & { opcode: string }
        const { reply } = answerQuery(packet, where, 'tcp')
        if (opcode !== 'QUERY' || questions?.length !== 1) return
        assert.ok(reply !== null)
        const { rcode } = dns.decode(Buffer.from(reply)) as unknown as { rcode: string }
        assert.notEqual(rcode, 'FORMERR')
      }),
      fuzzTime(TESTS),
    )
  })
})

/** The bytes of the name behind the header, by its labels. */
function nameLength(packet: Uint8Array): number {
  let at = 12
  while (packet[at] !== undefined && packet[at] !== 0) at += 1 + (packet[at] ?? 0)
  return at + 1 - 12
}
