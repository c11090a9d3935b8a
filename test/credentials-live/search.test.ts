/** The search that other tests rely on finds a secret however it is wrapped, and finds none where there is none. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { search } from './search.js'

const SECRET = 'sk-live-4eC39HqLyjWDarjtT1zdp7dc'
const noise = (text: Buffer | string) =>
  Buffer.concat([randomBytes(1001), Buffer.from(text as string), randomBytes(1003)])
const all = Buffer.from(SECRET)

const WRAPPED: Readonly<Record<string, Buffer>> = {
  plain: noise(SECRET),
  'a part of it': noise(SECRET.slice(7, 22)),
  reversed: noise([...SECRET].reverse().join('')),
  hex: noise(all.toString('hex')),
  percent: noise([...all].map((byte) => `%${byte.toString(16)}`).join('')),
  'HTML escapes': noise([...all].map((byte) => `&#${byte};`).join('')),
  'in much else': Buffer.concat([Buffer.alloc(6_000_000, 'x'), all]),
  'JSON escapes': noise([...all].map((byte) => `\\u00${byte.toString(16)}`).join('')),
  'UTF-16LE': noise(Buffer.from(SECRET, 'utf16le')),
  'UTF-16BE': noise(Buffer.from(SECRET, 'utf16le').swap16()),
  ...Object.fromEntries(
    [0, 1, 2].flatMap((before) =>
      (['base64', 'base64url'] as const).map((alphabet) => [
        `${alphabet} at ${before}`,
        noise(Buffer.concat([Buffer.alloc(before, '>'), all, Buffer.from('??>')]).toString(alphabet)),
      ]),
    ),
  ),
  'base64 in lines': noise(all.toString('base64').replace(/(.{20})/, '$1\r\n')),
  gzip: noise(gzipSync(noise(SECRET))),
  'gzip, cut short': gzipSync(Buffer.concat([all, randomBytes(50_000)])).subarray(0, 20_000),
  deflate: noise(deflateSync(SECRET)),
  'raw deflate': deflateRawSync(SECRET),
  brotli: brotliCompressSync(SECRET),
  'base64 in gzip': gzipSync(all.toString('base64')),
}

for (const [how, place] of Object.entries(WRAPPED))
  test(`finds it: ${how}`, () => assert.notDeepEqual(search(SECRET, { place }), []))

test('finds nothing in what has nothing of it', () => {
  const noise = {
    random: randomBytes(200_000),
    text: 'sk-live-'.repeat(1000),
    packed: gzipSync(randomBytes(9000)),
  }
  assert.deepEqual(search(SECRET, noise), [])
})
