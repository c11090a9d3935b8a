/** What a job that writes each byte itself tries against the plane that knows the values. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { makePlaceholder, RequestBodyGuard } from '../../src/credentials/index.js'
import { Keeper } from '../../src/gateway/process/credentials/keeper.js'
import type { Incoming } from '../../src/gateway/process/incoming.js'
import { SandboxNetwork } from '../../src/gateway/process/sandbox-network.js'
import { Budget, canonicalPath, pathMatches } from '../../src/network/index.js'
import {
  AWS,
  attached,
  awsKeys,
  grant,
  header,
  holding,
  placeholderOf,
  VALUE,
  value,
  verdict,
} from './setting.js'

const pathFits =
  (path: string) =>
  (patterns: readonly string[], other = path) => {
    const canonical = canonicalPath(other)
    return canonical !== null && patterns.some((each) => pathMatches(each, canonical))
  }

describe('a copy within S3 reads by a second path', () => {
  const host = 'bucket.s3.eu-west-1.amazonaws.com'
  const s3 = (more: object) =>
    holding([
      {
        name: 'AWS',
        hosts: [{ name: host, port: 443 }],
        use: { kind: 'aws-sigv4', region: 'eu-west-1', service: 's3', presigned: true },
        ...more,
      },
      awsKeys(),
    ])
  const copying = (source: string, more: object = { paths: ['/public/**'] }, at = host) => {
    const held = s3(more)
    const line = `AWS4-HMAC-SHA256 Credential=${placeholderOf(held, 'AWS')}/20300102/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`
    return verdict(held, {
      host: at,
      method: 'PUT',
      target: '/public/copy',
      pathFits: pathFits('/public/copy'),
      headers: [
        ['Host', at],
        ['Authorization', line],
        ['X-Amz-Content-Sha256', 'UNSIGNED-PAYLOAD'],
        ['X-Amz-Copy-Source', source],
      ],
    })
  }

  test('control: a source that the credential is for goes on', () => {
    for (const source of ['bucket/public/a', '/bucket/public/a%20b', 'bucket/public/a?versionId=1'])
      assert.equal(copying(source), null, source)
    assert.equal(copying('bucket/private/a', {}), null)
    const everyBucket = { hosts: [{ name: 's3.eu-west-1.amazonaws.com', port: 443 }] }
    const at = 's3.eu-west-1.amazonaws.com'
    assert.equal(copying('any/key', everyBucket, at), null)
    assert.equal(copying('any/key', { ...everyBucket, paths: ['/public/**', '/any/*'] }, at), null)
  })

  test('another path, bucket or spelling does not, nor one by a credential that may not read', () => {
    const sources = [
      'bucket/private/a',
      'bucket/public/../private/a',
      'bucket/public/%2e%2e/private/a',
      'bucket%2Fprivate/a',
      'other/public/a',
      'buck/public/a',
      'arn:aws:s3:eu-west-1:123456789012:accesspoint/a/object/public/a',
      '',
    ]
    for (const source of sources) assert.equal(copying(source), 'denySignature', source)
    assert.equal(copying('other/a', {}), 'denySignature')
    assert.equal(copying('bucket/public/a', { methods: ['PUT'] }), 'denySignature')
  })

  test('in a query that is signed neither', () => {
    const held = s3({ paths: ['/public/**'] })
    const credential = encodeURIComponent(`${placeholderOf(held, 'AWS')}/20300102/eu-west-1/s3/aws4_request`)
    const presigned = (source: string) =>
      `/public/copy?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${credential}&X-Amz-Signature=${'0'.repeat(64)}&x-amz-copy-source=${source}`
    const asking = (target: string) =>
      verdict(held, { host, method: 'PUT', target, pathFits: pathFits('/public/copy') })
    assert.equal(asking(presigned('bucket%2Fprivate%2Fa')), 'denySignature')
    assert.equal(asking(presigned('bucket%2Fpublic%2Fa')), null)
  })
})

test('a request whose lease ends by the next one’s use is signed still, and one whose lease is revoked is not', () => {
  const signing = () => {
    const held = holding([
      {
        name: 'AWS',
        use: { kind: 'aws-sigv4', region: 'eu-west-1', service: 'sts', presigned: false },
        uses: 1,
      },
      awsKeys(),
    ])
    const line = `AWS4-HMAC-SHA256 Credential=${placeholderOf(held, 'AWS')}/20300102/eu-west-1/sts/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`
    const request = {
      method: 'POST',
      headers: [['Host', 'api.test'] as const, ['Authorization', line] as const],
    }
    return { held, request, sign: attached(held, request).sign }
  }
  const spent = signing()
  assert.equal(verdict(spent.held, spent.request), 'denyCredentialEnded')
  const signed = spent.sign?.sign('0'.repeat(64))
  assert.ok(signed !== undefined && 'headers' in signed)
  assert.match(header(signed, 'authorization').join(), new RegExp(AWS.accessKeyId))
  const revoked = signing()
  revoked.held.revoke('AWS', 1)
  const not = revoked.sign?.sign('0'.repeat(64))
  assert.ok(not !== undefined && 'verdict' in not)
})

test('a value is found across what parts a request, and as a form spells it', () => {
  for (const text of ['one&two=three-four', 'one?two=three-four', 'one two three four']) {
    const held = holding([{}, value('TOKEN', text)])
    assert.equal(verdict(held, { target: `/?q=${text.replaceAll(' ', '+')}` }), 'denySecret', text)
    assert.equal(verdict(held, { target: `/${text.replaceAll(' ', '+')}` }), 'denySecret', text)
    assert.equal(verdict(held, { target: '/?q=one&two' }), null)
    const body = new RequestBodyGuard(held, []).push(Buffer.from(`a=${text.replaceAll(' ', '+')}`), true)
    assert.ok('kind' in body, text)
  }
})

test('a header of the job’s own that some servers take for the credential’s does not go on beside it', () => {
  const held = holding([{ use: { kind: 'header', name: 'x-api-key' } }])
  const { headers } = attached(held, {
    headers: [
      ['Host', 'api.test'],
      ['X_Api_Key', 'somebody else’s'],
      ['X-Api_Key', 'somebody else’s'],
      ['X-Api-Keys', 'another'],
    ],
  })
  assert.deepEqual(
    headers.filter(([name]) => /^x/i.test(name)),
    [
      ['X-Api-Keys', 'another'],
      ['x-api-key', VALUE],
    ],
  )
})

test('of values that follow each other the last sixteen are recognised, and no more are looked for', () => {
  const held = holding(
    [{}],
    [
      { name: 'OTHER', hosts: [{ name: 'other.test', port: 443 }] },
      value('OTHER', 'the other credential-s value'),
    ],
  )
  const before = held.watched.values.wanted.patterns.length
  const nth = (count: number) => `value-number-${String(count).padStart(3, '0')}`
  for (let count = 0; count < 100; count++) held.renew('TOKEN', value('TOKEN', nth(count)), null)
  const finds = (text: string) => held.watched.all.scan(Buffer.from(text)).length > 0
  assert.ok([99, 98, 84].every((count) => finds(nth(count))))
  assert.ok(!finds(nth(83)))
  assert.ok(finds('the other credential-s value'))
  assert.ok(held.watched.values.wanted.patterns.length < 16 * before)
  assert.deepEqual(header(attached(held), 'authorization'), [`Bearer ${nth(99)}`])
})

test('paths in UTF-8 that is longer than it may be are no paths', () => {
  for (const path of ['/a/%c0%ae%c0%ae/b', '/a/%C0%AF../b', '/a/%e0%80%ae/b', '/a/%f0%80%80%ae/b'])
    assert.equal(canonicalPath(path), null, path)
  assert.equal(canonicalPath('/%C3%A4/%e0%a4%85/%f0%9f%98%80'), '/%C3%A4/%E0%A4%85/%F0%9F%98%80')
})

describe('in the gateway', () => {
  const NONE = { maxUploadBytes: null, maxDownloadBytes: null, maxConnections: null, maxRate: null }
  const noted: { hint?: string; name: string | null }[] = []
  const network = () => {
    const now = () => 0
    const plan = { budget: NONE, rules: [], timeouts: {} }
    const surroundings = { now, own: () => Promise.resolve(new Set()), total: new Budget(NONE as never, now) }
    return new SandboxNetwork(plan as never, {} as never, surroundings as never, {
      add: (attempt) => void noted.push(attempt),
    })
  }
  const issue = (more: Parameters<typeof grant>[0], text = VALUE) => ({
    grant: grant(more),
    placeholder: makePlaceholder(),
    value: { kind: 'value', value: text } as const,
    livesMs: null,
  })
  const incoming = (of: SandboxNetwork) =>
    ({
      network: of,
      target: { kind: 'name', name: 'api.test' },
      port: 443,
      secure: {},
    }) as unknown as Incoming
  const asked = (more: object = {}) => ({
    method: 'POST',
    path: '/',
    headers: [['Host', 'api.test'] as const],
    version: 1 as const,
    note: () => {},
    ...more,
  })

  test('a request that waits for its turn when its lease ends does not go out when the turn comes', () => {
    const of = network()
    const keeper = new Keeper(of, [issue({})], 0, () => {})
    const carried = keeper.carry(incoming(of), asked())
    assert.ok(!('verdict' in carried))
    keeper.revoke('TOKEN')
    const heard: string[] = []
    carried.onEnd(({ verdict: why }) => heard.push(why))
    assert.deepEqual(heard, ['denyCredentialEnded'])
  })

  test('placeholders by the hundred, each for a value four hundred times as long, become no flood', () => {
    const of = network()
    const one = issue({ use: { kind: 'placeholder', in: ['headers', 'query', 'body'] } }, 'v'.repeat(16_384))
    const keeper = new Keeper(of, [one], 0, () => {})
    const many = (count: number) => Array.from({ length: count }, () => one.placeholder).join()
    const body = keeper.carry(
      incoming(of),
      asked({
        headers: [
          ['Host', 'api.test'],
          ['Transfer-Encoding', 'chunked'],
        ],
      }),
    )
    assert.ok(!('verdict' in body))
    const piece = body.up(Buffer.from(many(1000)), false)
    assert.ok('verdict' in piece && piece.verdict === 'denyBudget')
    const head = keeper.carry(
      incoming(of),
      asked({
        headers: [
          ['Host', 'api.test'],
          ['X', many(100)],
        ],
      }),
    )
    assert.ok('verdict' in head && head.verdict === 'denyBudget')
    const query = keeper.carry(incoming(of), asked({ path: `/?a=${many(100)}` }))
    assert.ok('verdict' in query && query.verdict === 'denyBudget')
    const fine = keeper.carry(
      incoming(of),
      asked({
        headers: [
          ['Host', 'api.test'],
          ['X', many(2)],
        ],
      }),
    )
    assert.ok(!('verdict' in fine))
  })

  test('a hint that says the name that was tried says it as the record does', () => {
    const of = network()
    const keeper = new Keeper(of, [issue({}, 'abcdefghij-klmnopqrst')], 0, () => {})
    assert.ok(keeper)
    const name = 'abcdefghij.-klmnopqrst.evil.test'
    of.record({
      protocol: 'https',
      target: { kind: 'name', name } as never,
      port: 443,
      rule: null,
      verdict: 'denyCredentialElsewhere',
      hint: `not for GET ${name} with the path`,
    })
    assert.ok(!JSON.stringify(noted).includes('abcdefghij'), JSON.stringify(noted))
    assert.equal(noted[0]?.name, '[secret TOKEN]')
  })
})
