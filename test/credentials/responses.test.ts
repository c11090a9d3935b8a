/** A response that carries a value, in whatever wrapping, packed or not, does not bring it in. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import {
  credentialLines,
  guardResponse,
  type HeldCredentials,
  Redactor,
  readValue,
  Secret,
  UnpackError,
  unpacked,
} from '../../src/credentials/index.js'
import { StreamGuard } from '../../src/credentials/scan/guard.js'
import { grant, HOST, holding, VALUE, value } from './setting.js'

const at = { host: HOST, port: 443 }
type Headers = readonly (readonly [string, string])[]
const CODINGS = [
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
] as const

async function received(
  how: 'cut' | 'redact',
  headers: Headers,
  body: Uint8Array,
  size = 1000,
): Promise<string> {
  const guarded = guardResponse(holding([{ onReflection: how }]), at, headers)
  if (guarded.kind === 'denied') return guarded.verdict
  async function* pieces() {
    for (let from = 0; from < body.length; from += size) yield body.subarray(from, from + size)
  }
  const out: string[] = []
  for await (const piece of unpacked(pieces(), guarded.codings)) {
    const answer = guarded.guard.push(piece)
    out.push(answer.bytes.toString())
    if (answer.cut) return `${out.join('')}|cut`
  }
  const rest = guarded.guard.push(Buffer.alloc(0), true)
  return out.join('') + rest.bytes.toString() + (rest.cut ? '|cut' : '')
}

test('an echo of the value ends the response where it begins, or has stars in its place', async () => {
  const body = Buffer.from(`{"you sent":"Bearer ${VALUE}"} end`)
  for (const size of [1, 10, 1000]) {
    assert.equal(await received('cut', [], body, size), '{"you sent":"Bearer |cut')
    assert.equal(
      await received('redact', [], body, size),
      `{"you sent":"Bearer ${'*'.repeat(VALUE.length)}"} end`,
    )
  }
  assert.equal(await received('cut', [], Buffer.from('nothing here')), 'nothing here')
})

describe('of a pair for Basic', () => {
  const PASSWORD = 'pw-4eC39HqLyjWDarjt'
  const pair = (user: string | null = null, onReflection: 'cut' | 'redact' = 'cut') =>
    holding([{ use: { kind: 'basic', user }, onReflection }, value('TOKEN', `alice:${PASSWORD}`)])
  const through = (held: HeldCredentials, text: string) => {
    const guarded = guardResponse(held, at, [])
    assert.ok(guarded.kind === 'guarded')
    return guarded.guard.push(Buffer.from(text), true).bytes.toString()
  }

  test('the password ends a response without its user, too, in its wrappings', () => {
    const json = (text: string) => `{"user":"alice","password":"${text}"}`
    const before = '{"user":"alice","password":"'
    assert.equal(through(pair(), `alice:${PASSWORD}`), '')
    for (const form of [
      PASSWORD,
      Buffer.from(PASSWORD).toString('hex'),
      Buffer.from(PASSWORD).toString('base64'),
    ])
      assert.equal(through(pair(), json(form)), before, form)
    assert.equal(through(pair(null, 'redact'), json(PASSWORD)), json('*'.repeat(PASSWORD.length)))
    assert.equal(through(pair(), json('another one')), json('another one'))
  })

  test('it is refused in a head; and after a renewal, the one before as well', () => {
    const held = pair()
    const head = () => guardResponse(held, at, [['X-Echo', PASSWORD]]).kind
    assert.equal(head(), 'denied')
    held.renew('TOKEN', value('TOKEN', 'alice:another-password'), null)
    assert.equal(head(), 'denied')
    assert.equal(through(held, 'is another-password'), 'is ')
  })
})

test('an echo in the head is refused, or has stars', () => {
  const headers: Headers = [
    ['X-Echo', `Bearer ${VALUE}`],
    ['X-Other', 'a'],
  ]
  const cut = guardResponse(holding([{}]), at, headers)
  assert.ok(cut.kind === 'denied' && cut.verdict === 'denyReflection')
  const redacted = guardResponse(holding([{ onReflection: 'redact' }]), at, headers)
  assert.ok(redacted.kind === 'guarded')
  assert.ok(!JSON.stringify(redacted.headers).includes(VALUE.slice(5)))
  assert.deepEqual(redacted.redacted, ['TOKEN'])
})

for (const [coding, pack] of CODINGS)
  test(`an answer that is packed although nobody asked for it is looked into: ${coding}`, async () => {
    const headers: Headers = [
      ['Content-Encoding', coding],
      ['Content-Length', '5'],
    ]
    assert.equal(await received('cut', headers, pack(Buffer.from(`a ${VALUE} b`)), 3), 'a |cut')
    const guarded = guardResponse(holding([{}]), at, headers)
    assert.deepEqual(guarded.kind === 'guarded' && guarded.headers, [])
    await assert.rejects(
      received('cut', headers, pack(Buffer.from('x'.repeat(9000))).subarray(0, 10)),
      UnpackError,
    )
  })

test('two codings are taken off; an unknown one, or three, are refused', async () => {
  const twice = gzipSync(brotliCompressSync(Buffer.from(`a ${VALUE}`)))
  assert.equal(await received('cut', [['Content-Encoding', 'br, gzip']], twice), 'a |cut')
  assert.equal(await received('cut', [['Content-Encoding', 'zstd']], twice), 'denyEncoded')
  assert.equal(await received('cut', [['Content-Encoding', 'gzip, gzip, gzip']], twice), 'denyEncoded')
})

test('a bomb is not unpacked to its end', async () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024))
  let bytes = 0
  await assert.rejects(async () => {
    async function* body() {
      yield bomb
    }
    for await (const piece of unpacked(body(), ['gzip'])) bytes += piece.length
  }, UnpackError)
  assert.ok(bytes <= 17 * 1024 * 1024, `${bytes}`)
})

test('a secret prints as its name, wherever it is put', () => {
  const secret = new Secret('TOKEN', VALUE)
  const error = new Error(`failed with ${secret}`)
  for (const text of [
    `${secret}`,
    String(secret),
    JSON.stringify({ secret }),
    inspect({ secret }, { depth: 9, showHidden: true }),
    error.message,
    inspect(error),
  ])
    assert.ok(text.includes('[secret TOKEN]') && !text.includes(VALUE), text)
  assert.equal(secret.reveal(), VALUE)
  secret.drop()
  assert.equal(secret.reveal(), null)
})

test('values are taken out of what Glovebox says, in their wrappings, too', () => {
  const redactor = new Redactor([{ name: 'TOKEN', value: VALUE }])
  for (const form of [VALUE, encodeURIComponent(VALUE), Buffer.from(VALUE).toString('hex')])
    assert.equal(redactor.text(`ä failed: ${form} at 5`), 'ä failed: [secret TOKEN] at 5')
  assert.ok(
    !redactor
      .text(Buffer.from(`u:${VALUE}`).toString('base64'))
      .includes(Buffer.from(VALUE).toString('base64').slice(4, -4)),
  )
  assert.equal(redactor.text('nothing'), 'nothing')
})

test('a value is one line of visible ASCII; what is not is refused in a sentence without it', () => {
  const read = (text: string) => readValue('T', text, 'the command /bin/x')
  for (const text of [VALUE, `${VALUE}\n`, `${VALUE}\r\n`]) assert.ok(read(text) instanceof Secret)
  const bad: readonly (readonly [string, string])[] = [
    ['', 'credential.empty'],
    ['\n', 'credential.empty'],
    [`${VALUE}\n${VALUE}`, 'credential.lines'],
    [`${VALUE}\n\n`, 'credential.lines'],
    [`${VALUE}\0`, 'credential.characters'],
    [` ${VALUE}`, 'credential.characters'],
    [`${VALUE}ä`, 'credential.characters'],
    ['1234567', 'credential.short'],
    ['x'.repeat(20_000), 'credential.long'],
  ]
  for (const [text, code] of bad) {
    const answer = read(text)
    assert.ok('what' in answer, code)
    assert.equal(answer.code, code)
    assert.ok(!answer.what.includes(VALUE))
    assert.match(answer.what, /^the command \/bin\/x gave /)
  }
})

test('explain says who receives it, for what, and both its lives', () => {
  const lines = credentialLines(
    {
      ...grant({ methods: ['GET'], paths: ['/a/**'], ttlMs: 60_000, uses: 20 }),
      source: { kind: 'env', variable: 'X' },
    },
    30_000,
  )
  assert.deepEqual(lines, {
    name: 'TOKEN',
    receives: 'api.test (GET, /a/**), and no other host',
    use: 'Authorization: Bearer, in place of whatever the job has there',
    life: 'usable 30s at most, for 20 requests; the value itself lives as long as its owner lets it',
    source: "the variable X of Glovebox's own environment",
    reflection: 'a response that repeats it ends there',
  })
})

test('where each side waits for the other, what ends like the beginning of a value goes on at once; the value does not', () => {
  const { watched } = holding([{}])
  for (const end of ['s', 'sk-live', '\0', 'a&b', '100%', 'x\r\n', '\\']) {
    const message = Buffer.from(`says ${end}`)
    const guard = new StreamGuard(watched.values, 'cut', true)
    assert.equal(guard.push(message).bytes.toString(), message.toString(), end)
    assert.equal(guard.push(Buffer.from(` ${VALUE}`)).cut, true)
  }
  for (const size of [1, 2, 9, 20]) {
    const guard = new StreamGuard(watched.values, 'redact', true)
    const text = Buffer.from(
      `a ${VALUE.slice(0, -3)}%${VALUE.charCodeAt(VALUE.length - 3).toString(16)}${VALUE.slice(-2)} b`,
    )
    let out = ''
    for (let at = 0; at < text.length; at += size)
      out += guard.push(text.subarray(at, at + size)).bytes.toString()
    out += guard.push(Buffer.alloc(0), true).bytes.toString()
    assert.equal(out.length, text.length)
    assert.ok(!out.includes(VALUE.slice(7, 12)), out)
  }
})
