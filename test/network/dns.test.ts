/**
 * The attacks: a question that carries data out (a DNS tunnel, in labels, types or options), a record that leads elsewhere (HTTPS, SVCB,
 * CNAME), a name that is spelled so that two readers take it for two, a packet that loops or lies about its lengths. Nothing here asks
 * anybody: what comes back is made of the question and the policy alone.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import dns, { type DecodedPacket, type Packet, type RecordType } from 'dns-packet'
import { answerQuery, MAX_NAMES, SyntheticAddresses, type Zone } from '../../src/network/index.js'

function zone(more: Partial<Zone> = {}): Zone {
  const allowed = ['api.test', 'www.api.test']
  return {
    allows: (name) => allowed.includes(name),
    addresses: new SyntheticAddresses(),
    loopback: false,
    ...more,
  }
}

function question(name: string, type: string = 'A', more: Partial<Packet> = {}): Buffer {
  return dns.encode({
    type: 'query',
    id: 0x1234,
    flags: dns.RECURSION_DESIRED,
    questions: [{ type: type as RecordType, name }],
    ...more,
  })
}

const EDNS = { type: 'OPT', name: '.', udpPayloadSize: 4096, flags: dns.DNSSEC_OK, options: [] } as const

function ask(packet: Uint8Array, where = zone()) {
  const { reply, refused } = answerQuery(packet, where, 'udp')
  assert.ok(reply !== null)
  const decoded = dns.decode(Buffer.from(reply)) as DecodedPacket & { rcode: string }
  return { reply, refused, ...decoded, answers: decoded.answers ?? [] }
}

describe('an allowed name', () => {
  test('has one address of each family, the same for as long as the sandbox lives', () => {
    const where = zone()
    for (let again = 0; again < 2; again++) {
      const [four] = ask(question('api.test'), where).answers
      const [six] = ask(question('api.test', 'AAAA'), where).answers
      assert.deepEqual(four, {
        name: 'api.test',
        type: 'A',
        class: 'IN',
        flush: false,
        ttl: 60,
        data: '198.18.0.2',
      })
      assert.ok(six?.type === 'AAAA')
      assert.equal(where.addresses.nameOf(six.data), 'api.test')
      assert.equal(where.addresses.nameOf(`${four.type === 'A' && four.data}`), 'api.test')
    }
  })

  test('in any letter case and with the dot at its end, which come back as they were sent', () => {
    const where = zone()
    for (const name of ['API.test', 'aPi.TeSt', 'api.test.']) {
      const { questions, answers, refused } = ask(question(name), where)
      assert.equal(questions?.[0]?.name, name.replace(/\.$/, ''))
      assert.equal(answers[0]?.type === 'A' && answers[0].data, '198.18.0.2')
      assert.equal(refused, null)
    }
  })

  test('has nothing of any other type: no HTTPS or SVCB that leads elsewhere, no TXT that answers a tunnel', () => {
    for (const type of [
      'TXT',
      'MX',
      'NS',
      'SOA',
      'CNAME',
      'SRV',
      'CAA',
      'DS',
      'DNSKEY',
      'NULL',
      'UNKNOWN_64',
      'UNKNOWN_65',
      'UNKNOWN_65535',
    ]) {
      const { rcode, answers, authorities, refused } = ask(question('api.test', type))
      assert.deepEqual([rcode, answers.length, refused], ['NOERROR', 0, null], type)
      assert.equal(authorities?.[0]?.type, 'SOA', type)
    }
  })

  test('to ANY has one small record (RFC 8482)', () => {
    assert.deepEqual(
      ask(question('api.test', 'ANY')).answers.map(({ type }) => type),
      ['HINFO'],
    )
  })

  test('is what its address leads back to; no other address has a name', () => {
    const where = zone()
    ask(question('api.test'), where)
    const of = (name: string) => ask(question(name, 'PTR'), where)
    const [back] = of('2.0.18.198.in-addr.arpa').answers
    assert.equal(back?.type === 'PTR' && back.data, 'api.test')
    const six = where.addresses.addressOf('api.test', 6)?.replace('::', ':0:0:0:') ?? ''
    const digits = six
      .split(':')
      .map((part) => part.padStart(4, '0'))
      .join('')
      .split('')
      .reverse()
      .join('.')
    assert.equal(of(`${digits}.ip6.arpa`).answers.length, 1)
    for (const other of [
      '3.0.18.198.in-addr.arpa',
      '8.8.8.8.in-addr.arpa',
      '999.0.18.198.in-addr.arpa',
      'in-addr.arpa',
    ])
      assert.equal(of(other).rcode, 'NXDOMAIN', other)
  })
})

describe('a name that no rule allows', () => {
  test('does not exist, for any type, and is recorded', () => {
    for (const type of ['A', 'AAAA', 'TXT', 'UNKNOWN_65', 'ANY', 'PTR']) {
      const { rcode, answers, refused } = ask(question('evil.test', type))
      assert.deepEqual(
        [rcode, answers.length, refused],
        ['NXDOMAIN', 0, { name: 'evil.test', verdict: 'denyName' }],
        type,
      )
    }
  })

  test('nor does what looks like an allowed one', () => {
    for (const name of [
      'evil-api.test',
      'api.test.evil.test',
      'x.api.test',
      'api.tes',
      'test',
      'xn--pi-7kc.test',
      '_api.test',
    ])
      assert.equal(ask(rawQuestion(...name.split('.'))).rcode, 'NXDOMAIN', name)
  })

  test('a dot, a NUL or any odd byte inside a label is no border, no end and no letter', () => {
    for (const labels of [
      ['api.test'],
      ['evil.api', 'test'],
      ['api', 'test\0'],
      ['api\0', 'test'],
      ['api ', 'test'],
      ['api', 'test\n'],
      ['\xe1pi', 'test'],
      ['api', 'test%2e'],
      ['', 'api'],
    ]) {
      const { rcode, answers, refused } = ask(
        rawQuestion(...labels.filter((label) => label !== '')),
        zone({ allows: (name) => name === 'api.test' }),
      )
      assert.deepEqual([rcode, answers.length], ['NXDOMAIN', 0], JSON.stringify(labels))
      assert.match(refused?.name ?? '', /^[\x21-\x7e]+$/, 'what is recorded can be shown to a person')
    }
  })

  test('a metadata service has no name, whatever rule there is', () => {
    const open = zone({ allows: () => true })
    for (const name of [
      'metadata.google.internal',
      'metadata',
      'instance-data',
      'METADATA.google.internal.',
    ]) {
      const { rcode, refused } = ask(question(name), open)
      assert.deepEqual([rcode, refused?.verdict], ['NXDOMAIN', 'denyMetadata'], name)
    }
  })

  test('a tunnel gets no further than the record', () => {
    const data = 'a'.repeat(63)
    const { rcode, refused, reply } = ask(question(`${data}.${data}.${data}.t.evil.test`, 'TXT'))
    assert.equal(rcode, 'NXDOMAIN')
    assert.equal(refused?.name, `${data}.${data}.${data}.t.evil.test`)
    assert.ok(reply.length <= 512)
  })

  test('an address as a name has no address', () => {
    for (const name of ['127.0.0.1', '2130706433', '0x7f.1', '169.254.169.254'])
      assert.equal(ask(question(name), zone({ allows: () => true })).rcode, 'NXDOMAIN', name)
  })
})

describe('localhost', () => {
  test('is the job itself where it has a loopback, and nothing where it has none', () => {
    for (const name of ['localhost', 'a.localhost', 'LOCALHOST.']) {
      const inside = ask(question(name), zone({ loopback: true }))
      assert.equal(inside.answers[0]?.type === 'A' && inside.answers[0].data, '127.0.0.1')
      const six = ask(question(name, 'AAAA'), zone({ loopback: true }))
      assert.equal(six.answers[0]?.type === 'AAAA' && six.answers[0].data, '::1')
      assert.equal(ask(question(name), zone({ allows: () => true })).rcode, 'NXDOMAIN')
    }
  })

  test('is what 127.0.0.1 and ::1 lead back to, there and nowhere else', () => {
    for (const name of ['1.0.0.127.in-addr.arpa', `1.${'0.'.repeat(31)}ip6.arpa`]) {
      const [back] = ask(question(name, 'PTR'), zone({ loopback: true })).answers
      assert.equal(back?.type === 'PTR' && back.data, 'localhost')
      assert.equal(ask(question(name, 'PTR')).rcode, 'NXDOMAIN')
    }
  })
})

describe('what is no plain question', () => {
  const header = (bytes: Partial<Record<number, number>>): Buffer => {
    const packet = question('api.test')
    for (const [at, byte] of Object.entries(bytes)) packet[Number(at)] = byte ?? 0
    return packet
  }

  test('an answer is not answered: two resolvers would go on for ever', () => {
    assert.equal(answerQuery(header({ 2: 0x81 }), zone()).reply, null)
  })

  test('less than a header is not answered', () => {
    for (let length = 0; length < 12; length++)
      assert.equal(answerQuery(question('api.test').subarray(0, length), zone()).reply, null)
  })

  test('other operations are not implemented: update, notify, status', () => {
    for (const opcode of [1, 2, 4, 5, 6, 15])
      assert.equal(ask(header({ 2: (opcode << 3) | 1 })).rcode, 'NOTIMP')
  })

  test('no question, or two, is a format error', () => {
    for (const count of [0, 2, 255]) assert.equal(ask(header({ 5: count })).rcode, 'FORMERR')
  })

  test('a question cut short, too long, or with bytes behind it is a format error', () => {
    const whole = question('api.test')
    for (let length = 12; length < whole.length; length++)
      assert.equal(ask(whole.subarray(0, length)).rcode, 'FORMERR')
    assert.equal(ask(Buffer.concat([whole, Buffer.of(0)])).rcode, 'FORMERR')
    const labels = Array.from({ length: 128 }, () => 'a')
    assert.equal(ask(rawQuestion(...labels)).rcode, 'FORMERR')
  })

  test('a name by compression is a format error: one that points at itself would never end', () => {
    for (const pointer of [
      [0xc0, 12],
      [0xc0, 0],
      [0xc0, 14],
      [0xff, 0xff],
      [0x41, 0],
      [0x80, 0],
      [1, 97, 0xc0, 12],
    ])
      assert.equal(ask(raw([...pointer, 0, 1, 0, 1])).rcode, 'FORMERR')
  })

  test('a label longer than 63, and a pointer with much behind it, are format errors', () => {
    const letters = (count: number) => Array.from({ length: count }, () => 97)
    assert.equal(ask(raw([63, ...letters(63), 0, 0, 1, 0, 1])).rcode, 'NXDOMAIN')
    for (const length of [64, 127, 128, 191, 192, 193, 255])
      assert.equal(ask(raw([length, ...letters(length), 0, 0, 1, 0, 1])).rcode, 'FORMERR', `${length}`)
  })

  test('a class but IN, a transfer, a signature: refused', () => {
    const chaos = question('version.bind', 'TXT')
    chaos[chaos.length - 1] = 3
    assert.equal(ask(chaos).rcode, 'REFUSED')
    for (const type of ['AXFR', 'IXFR', 'TSIG', 'TKEY', 'OPT', 'UNKNOWN_253', 'UNKNOWN_0'])
      assert.equal(ask(question('api.test', type)).rcode, 'REFUSED', type)
  })

  test('records where a question has none are a format error, and so is saying that there are', () => {
    for (const count of [6, 7, 8, 9, 10, 11]) assert.equal(ask(header({ [count]: 1 })).rcode, 'FORMERR')
    const answers = [{ type: 'A', name: 'api.test', data: '10.0.0.1' }] as const
    assert.equal(ask(question('api.test', 'A', { answers: [...answers] })).rcode, 'FORMERR')
    assert.equal(ask(question('api.test', 'A', { authorities: [...answers] })).rcode, 'FORMERR')
  })
})

describe('the reply', () => {
  test('has the id, the question byte for byte, and what was asked for of the flags', () => {
    for (const flags of [0, dns.RECURSION_DESIRED, dns.CHECKING_DISABLED, 0x7fff & ~0x7800]) {
      const sent = question('aPI.tEsT', 'A', { id: 0xbeef, flags })
      const { reply, flag_ra, flag_rd, id } = ask(sent)
      assert.equal(id, 0xbeef)
      assert.deepEqual(Buffer.from(reply).subarray(12, sent.length), sent.subarray(12))
      assert.deepEqual([flag_ra, flag_rd], [true, (flags & dns.RECURSION_DESIRED) !== 0])
    }
  })

  test('speaks EDNS where it was spoken to in it, with no option, whatever options came', () => {
    const options = [
      { code: 10, data: Buffer.from('cookie12') },
      { code: 8, data: Buffer.alloc(500) },
    ]
    const { additionals } = ask(question('api.test', 'A', { additionals: [{ ...EDNS, options } as never] }))
    const opt = additionals?.[0] as unknown as {
      type: string
      options: []
      udpPayloadSize: number
      flag_do: boolean
    }
    assert.deepEqual(
      [additionals?.length, opt.type, opt.options.length, opt.udpPayloadSize, opt.flag_do],
      [1, 'OPT', 0, 1232, true],
    )
    assert.deepEqual(ask(question('api.test')).additionals, [])
  })

  test('to an EDNS that there is not yet says which there is; two of them, or one with a name, are an error', () => {
    const later = ask(question('api.test', 'A', { additionals: [{ ...EDNS, ednsVersion: 1 } as never] }))
    assert.equal((later.additionals as unknown as { extendedRcode: number }[])[0]?.extendedRcode, 1)
    assert.equal(later.answers.length, 0)
    assert.equal(ask(question('api.test', 'A', { additionals: [EDNS, EDNS] as never })).rcode, 'FORMERR')
  })

  test('is at most 90 bytes longer than the question, or nothing is worth asking for its size', () => {
    const long = ['a'.repeat(63), 'b'.repeat(63), 'c'.repeat(63), 'd'.repeat(61)].join('.')
    for (const name of ['api.test', 'evil.test', long])
      for (const type of ['A', 'AAAA', 'ANY', 'TXT', 'SOA', 'PTR'])
        for (const additionals of [[], [EDNS]]) {
          const sent = question(name, type, { additionals: additionals as never })
          const { reply } = ask(sent, zone({ allows: (each) => each === long || each === 'api.test' }))
          assert.ok(
            reply.length <= sent.length + 90 && reply.length <= 512,
            `${name} ${type}: ${reply.length}`,
          )
        }
  })
})

test('names beyond what a sandbox may have are refused, and those that it has stay', () => {
  const where = zone({ allows: () => true })
  for (let index = 0; index < MAX_NAMES; index++) ask(question(`n${index}.test`), where)
  const { rcode, refused } = ask(question('one-more.test'), where)
  assert.deepEqual([rcode, refused], ['REFUSED', { name: 'one-more.test', verdict: 'denyBudget' }])
  assert.equal(ask(question('n0.test'), where).answers.length, 1)
})

/** A question with exactly these bytes behind the header. */
function raw(bytes: readonly number[]): Buffer {
  return Buffer.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...bytes])
}

/** A question for A with exactly these labels. */
function rawQuestion(...labels: readonly string[]): Buffer {
  return raw([...labels.flatMap((label) => [label.length, ...Buffer.from(label, 'latin1')]), 0, 0, 1, 0, 1])
}
