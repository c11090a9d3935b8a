/** Signatures, with the library that the SDKs of AWS sign with as second opinion. */
import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { describe, test } from 'node:test'
import { SignatureV4 } from '@smithy/signature-v4'
import fc from 'fast-check'
import {
  amzDate,
  ChunkSigner,
  readAwsKeys,
  readStsAnswer,
  sha256,
  sign,
} from '../../src/credentials/index.js'
import { fuzzTime } from '../network/tools.js'
import { AWS, ask, attached, awsKeys, HOST, header, holding, NOW, placeholderOf, verdict } from './setting.js'
import { Sha256 } from './sha256.js'

const KEYS = { accessKeyId: AWS.accessKeyId, secretAccessKey: AWS.secret, sessionToken: null }

async function opinion(
  request: {
    method: string
    path: string
    query: Record<string, string[]>
    headers: Record<string, string>
    body: string
  },
  region: string,
  service: string,
  date: Date,
) {
  const signer = new SignatureV4({
    credentials: { accessKeyId: AWS.accessKeyId, secretAccessKey: AWS.secret },
    region,
    service,
    sha256: Sha256 as never,
    uriEscapePath: service !== 's3',
    applyChecksum: false,
  })
  const { path, query, ...rest } = request
  const signed = await signer.sign(
    { ...rest, path, query, protocol: 'https:', hostname: 'h.test' } as never,
    { signingDate: date },
  )
  return (signed as unknown as { headers: Record<string, string> }).headers.authorization
}

const segment = fc.string({
  unit: fc.constantFrom('a', 'B', '9', '-', '.', '_', '~', '%20', '%2B', '%C3%A4', '+', '='),
  minLength: 1,
  maxLength: 6,
})
const text = fc.string({
  unit: fc.constantFrom(
    'a',
    'Z',
    '0',
    ' ',
    '+',
    '/',
    '=',
    '&',
    '%',
    '!',
    "'",
    '(',
    ')',
    '*',
    'ä',
    '~',
    ',',
    ':',
  ),
  maxLength: 8,
})

test('signs as the library does: any method, path, query, headers, region, service and day', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('GET', 'PUT', 'POST', 'DELETE'),
      fc.array(segment, { maxLength: 4 }),
      fc.boolean(),
      fc.dictionary(
        text.filter((key) => key !== '' && !/^x-amz-/i.test(key)),
        fc.array(text, { minLength: 1, maxLength: 2 }),
        { maxKeys: 4 },
      ),
      fc.constantFrom('s3', 'dynamodb', 'execute-api', 'sts'),
      fc.constantFrom('eu-west-1', 'us-east-1'),
      text.map((each) => `a ${each.replace(/[^\x20-\x7e]/g, '')}  b`),
      fc.date({ min: new Date('2020-01-01'), max: new Date('2040-01-01'), noInvalidDate: true }),
      async (method, segments, slash, query, service, region, value, date) => {
        const path = `/${segments.join('/')}${slash && segments.length > 0 ? '/' : ''}`
        const [body, at] = ['{"a":1}', amzDate(date.getTime())]
        const headers = {
          host: 'h.test',
          'x-amz-meta-x': value,
          'x-amz-content-sha256': sha256(body),
          'content-type': 'a/b',
        }
        const mine = sign(
          {
            method,
            path,
            query: Object.entries(query).flatMap(([key, values]) =>
              values.map((each) => [key, each] as const),
            ),
            headers: [...Object.entries(headers), ['x-amz-date', at]],
            payloadHash: sha256(body),
          },
          KEYS,
          { region, service },
          at,
        )
        assert.equal(
          mine.authorization,
          await opinion({ method, path, query, headers, body }, region, service, date),
        )
      },
    ),
    fuzzTime(2),
  )
})

const use = { kind: 'aws-sigv4', region: 'eu-west-1', service: 's3', presigned: false } as const
const s3 = (more: object = {}) => holding([{ name: 'AWS', use: { ...use, ...more } }, awsKeys()])
const FAKE = 'f'.repeat(64)
const jobLine = (id: string, scope = 'eu-west-1/s3') =>
  `AWS4-HMAC-SHA256 Credential=${id}/20300102/${scope}/aws4_request, SignedHeaders=host;x-amz-date, Signature=${FAKE}`
const signedBy = (
  id: string,
  more: readonly (readonly [string, string])[] = [['x-amz-content-sha256', 'UNSIGNED-PAYLOAD']],
  scope?: string,
) =>
  ({
    method: 'PUT',
    headers: [
      ['Host', 'api.test'],
      ['Authorization', jobLine(id, scope)],
      ['X-Amz-Date', '20300102T000000Z'],
      ['X-Amz-Security-Token', 'worthless'],
      ...more,
    ],
  }) as const

describe('a request that the job signed', () => {
  test('is signed anew, with nothing left of what the job signed with', async () => {
    const held = s3()
    const answer = attached(held, {
      ...signedBy(placeholderOf(held, 'AWS')),
      target: '/buck%65t/a b+c?list-type=2&prefix=x%2Fy'.replace(' ', '%20'),
    })
    const head = answer.sign?.sign(null)
    assert.ok(head !== undefined && 'headers' in head)
    assert.deepEqual(answer.names, ['AWS'])
    assert.equal(head.target, '/bucket/a%20b%2Bc?list-type=2&prefix=x%2Fy')
    assert.ok(!JSON.stringify(head).includes('glovebox_') && !JSON.stringify(head).includes('worthless'))
    assert.deepEqual(header(head, 'x-amz-security-token'), [AWS.token])
    const date = amzDate(NOW.date)
    const expected = await opinion(
      {
        method: 'PUT',
        path: '/bucket/a%20b%2Bc',
        query: { 'list-type': ['2'], prefix: ['x/y'] },
        headers: {
          host: 'api.test',
          'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
          'x-amz-security-token': AWS.token,
        },
        body: '',
      },
      'eu-west-1',
      's3',
      new Date(NOW.date),
    )
    assert.deepEqual(header(head, 'x-amz-date'), [date])
    assert.deepEqual(header(head, 'authorization'), [expected])
  })

  test('of a service that hashes the body waits for it', () => {
    const held = holding([{ name: 'AWS', use: { ...use, service: 'dynamodb' } }, awsKeys(null)])
    const answer = attached(held, signedBy(placeholderOf(held, 'AWS'), [], 'eu-west-1/dynamodb'))
    assert.ok((answer.sign?.holdsBody ?? 0) > 0)
    const head = answer.sign?.sign(sha256('{}'))
    assert.ok(head !== undefined && 'headers' in head)
    assert.deepEqual(header(head, 'x-amz-content-sha256'), [])
  })

  const denials: readonly (readonly [string, (id: string) => object, string, object?])[] = [
    ['with keys of somebody else', () => signedBy('AKIAATTACKERATTACKER'), 'denySignature'],
    ['for another service', (id) => signedBy(id, undefined, 'eu-west-1/iam'), 'denySignature'],
    ['for another region', (id) => signedBy(id, undefined, 'us-east-1/s3'), 'denySignature'],
    ['without a word of its body', (id) => signedBy(id, []), 'denySignature'],
    [
      'with events',
      (id) => signedBy(id, [['x-amz-content-sha256', 'STREAMING-AWS4-HMAC-SHA256-EVENTS']]),
      'denySignature',
    ],
    [
      'by SigV4A',
      (id) => ({ headers: [['Authorization', jobLine(id).replace('HMAC', 'ECDSA-P256')]] }),
      'denySignature',
    ],
    ['by the signature of 2006', () => ({ target: '/b?AWSAccessKeyId=AKIA&Signature=x' }), 'denySignature'],
    ['by that, its keys in another case', () => ({ target: '/b?awsaccesskeyid=AKIA' }), 'denySignature'],
    ['by that, its signature in another case', () => ({ target: '/b?SIGNATURE=x' }), 'denySignature'],
    ['in its query', (id) => ({ target: presigned(id) }), 'denyPresigned'],
    [
      'twice',
      (id) => ({ headers: [['Authorization', jobLine(id)]], target: presigned(id) }),
      'denySignature',
    ],
  ]
  for (const [name, of, expected] of denials)
    test(`is refused ${name}`, () => {
      const held = s3()
      assert.equal(verdict(held, of(placeholderOf(held, 'AWS'))), expected)
      assert.equal(held.states(0)[0]?.uses, 0, 'nothing was spent')
    })

  test('in fields of a form, as browsers upload, is refused before its body is sent; other bodies are not', () => {
    const post = (type: string, more: object = {}, name = 'Content-Type') =>
      verdict(s3(), { method: 'POST', target: '/bucket', headers: [[name, type]], ...more })
    for (const type of [
      'multipart/form-data; boundary=x',
      'Multipart/Form-Data;boundary="x"',
      'text/plain, multipart/form-data; boundary=x',
    ])
      assert.equal(post(type), 'denySignature', type)
    assert.equal(post('multipart/form-data', {}, 'content_type'), 'denySignature')
    assert.equal(post('multipart/form-data', { headers: [['Host', HOST]] }), null)
    assert.equal(post('multipart/form-data', { host: 'other.test' }), null, 'at no host of the credential')
    assert.equal(post('application/xml'), null)
    // S3 takes no other form; of CreateMultipartUpload it is what clients say of a body that is none
    assert.equal(post('application/x-www-form-urlencoded'), null)
    const api = holding([{ name: 'AWS', use: { ...use, service: 'execute-api' } }, awsKeys()])
    const form = { method: 'POST', headers: [['Content-Type', 'multipart/form-data']] } as const
    assert.equal(verdict(api, form), null, 'other services read no signature there')
    const held = s3()
    const own = signedBy(placeholderOf(held, 'AWS'))
    const signed = { ...own, headers: [...own.headers, ['Content-Type', 'multipart/form-data'] as const] }
    assert.equal(verdict(held, { ...signed, method: 'POST' }), 'denySignature', 'the fields would count, too')
    assert.equal(verdict(held, signed), null, 'a PUT stores a form as it is')
  })

  test('in its query is signed in its head, where the policy grants it', () => {
    const held = s3({ presigned: true })
    const head = attached(held, { target: presigned(placeholderOf(held, 'AWS')) }).sign?.sign(null)
    assert.ok(head !== undefined && 'headers' in head)
    assert.equal(head.target, '/bucket/key?response-content-type=a%2Fb')
    assert.deepEqual(header(head, 'x-amz-content-sha256'), ['UNSIGNED-PAYLOAD'])
  })

  test('that is not signed goes on without a signature', () => {
    assert.deepEqual([attached(s3()).sign, attached(s3()).names], [null, []])
  })

  test('is refused once the keys are gone, between the head and the end of the body, too', () => {
    const held = s3()
    const answer = attached(held, signedBy(placeholderOf(held, 'AWS')))
    held.revoke('AWS', 1)
    const head = answer.sign?.sign(null)
    assert.ok(head !== undefined && 'verdict' in head)
    assert.equal(ask(held, signedBy(placeholderOf(held, 'AWS'))).kind, 'denied')
  })
})

const presigned = (id: string) =>
  `/bucket/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${id}%2F20300102%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20300102T000000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&response-content-type=a%2Fb&X-Amz-Signature=${FAKE}`

/** The chain of chunk signatures, by hmac alone. */
function chunked(
  parts: readonly Buffer[],
  trailer: string | null,
  sigs: (kind: 'PAYLOAD' | 'TRAILER', data: Uint8Array | string) => string,
): Buffer {
  const all = [...parts, Buffer.alloc(0)].flatMap((part, index) => [
    `${part.length.toString(16)};chunk-signature=${sigs('PAYLOAD', part)}\r\n`,
    part.toString('latin1'),
    trailer !== null && index === parts.length ? '' : '\r\n',
  ])
  if (trailer !== null)
    all.push(`${trailer}\r\nx-amz-trailer-signature:${sigs('TRAILER', `${trailer}\n`)}\r\n\r\n`)
  return Buffer.from(all.join(''), 'latin1')
}

describe('a body in signed chunks', () => {
  const seed = sign(
    {
      method: 'PUT',
      path: '/',
      query: [],
      headers: [['host', 'h']],
      payloadHash: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
    },
    KEYS,
    { region: 'r', service: 's3' },
    '20300102T030405Z',
  )
  const real = () => {
    let previous = seed.signature
    return (kind: 'PAYLOAD' | 'TRAILER', data: Uint8Array | string) => {
      const hash = createHash('sha256').update(data).digest('hex')
      const empty = createHash('sha256').update('').digest('hex')
      const lines = [
        `AWS4-HMAC-SHA256-${kind}`,
        seed.date,
        seed.scope,
        previous,
        ...(kind === 'PAYLOAD' ? [empty] : []),
        hash,
      ]
      previous = createHmac('sha256', seed.key).update(lines.join('\n')).digest('hex')
      return previous
    }
  }

  test('has each signature made anew, with pieces of any size, and its trailer', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 4 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 90 }),
        (parts, trailed, size) => {
          const trailer = trailed ? 'x-amz-checksum-crc32c:wdBDMA==' : null
          const data = parts.map((part) => Buffer.from(part))
          const job = chunked(data, trailer, () => FAKE)
          const signer = new ChunkSigner(seed, trailed)
          const out: Uint8Array[] = []
          for (let at = 0; at < job.length; at += size) {
            const answer = signer.push(job.subarray(at, at + size))
            assert.ok(answer !== null)
            out.push(Uint8Array.from(answer))
          }
          assert.ok(signer.complete)
          assert.equal(
            Buffer.concat(out).toString('latin1'),
            chunked(data, trailer, real()).toString('latin1'),
          )
        },
      ),
      fuzzTime(2),
    )
  })

  test('is refused when it is none, or goes on behind its end', () => {
    const bodies = [
      '5\r\nhello\r\n',
      `5;chunk-signature=${FAKE}\r\nhelloXX`,
      `ffffffff;chunk-signature=${FAKE}\r\n`,
      'x'.repeat(300),
      `0;chunk-signature=${FAKE}\r\n\r\nmore`,
    ]
    for (const body of bodies)
      assert.equal(new ChunkSigner(seed, false).push(Buffer.from(body)), null, body.slice(0, 20))
    const cutOff = new ChunkSigner(seed, false)
    cutOff.push(Buffer.from(`5;chunk-signature=${FAKE}\r\nhel`))
    assert.equal(cutOff.complete, false)
  })
})

describe('keys of AWS', () => {
  const read = (source: string) => readAwsKeys('AWS', source, 'the variable X', NOW.date)
  const json = (more: object) =>
    JSON.stringify({ Version: 1, AccessKeyId: 'AKIAEXAMPLE', SecretAccessKey: AWS.secret, ...more }, null, 2)
  test('are read from a line and from what credential_process prints', () => {
    for (const source of [
      `AKIAEXAMPLE:${AWS.secret}\n`,
      `AKIAEXAMPLE:${AWS.secret}:${AWS.token}`,
      json({}),
      json({ Expiration: '2031-01-01T00:00:00Z' }),
    ])
      assert.ok('accessKeyId' in read(source), source.slice(0, 12))
  })
  test('that are none, or have expired, are refused in a sentence without them', () => {
    for (const source of [
      '',
      'x',
      `AKIAEXAMPLE:${AWS.secret}:a:b`,
      '{',
      json({ SecretAccessKey: 5 }),
      json({ Expiration: '2029-01-01T00:00:00Z' }),
      json({ Expiration: 'soon' }),
    ]) {
      const answer = read(source)
      assert.ok('what' in answer, source)
      assert.ok(!JSON.stringify(answer).includes(AWS.secret))
    }
  })
})

test('an answer of STS is read only where it can be read in one way', () => {
  const xml = (more = '', secret = AWS.secret) =>
    `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>${secret}</SecretAccessKey><SessionToken>${AWS.token}</SessionToken><Expiration>2031-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>${more}</AssumeRoleResponse>`
  const read = (status: number, body: string) => readStsAnswer('AWS', status, body, NOW.date).kind
  assert.equal(read(200, xml()), 'keys')
  for (const body of [
    '',
    '<html>',
    xml('<AccessKeyId>ASIAOTHER00</AccessKeyId>'),
    `<!DOCTYPE x>${xml()}`,
    xml('', '&secret;'),
    'x'.repeat(70_000),
    xml().replace('2031', '2020'),
  ])
    assert.equal(read(200, body), 'refused', body.slice(0, 30))
  assert.equal(read(400, '<Error><Code>Throttling</Code></Error>'), 'later')
  assert.equal(read(503, 'down'), 'later')
  assert.equal(read(403, '<Error><Code>AccessDenied</Code></Error>'), 'refused')
})
