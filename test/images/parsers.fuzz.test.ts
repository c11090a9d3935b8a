/** What reads what an image says: whatever it is given, it gives a checked value or a refusal, and stays within its bounds. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ImageError } from '../../src/errors/index.js'
import { plainLayer } from '../../src/images/layer.js'
import { chosen, readConfig, readManifest, readPlatform } from '../../src/images/manifest.js'
import { readHeader, readPax } from '../../src/images/tar/header.js'
import { tarEntries } from '../../src/images/tar/read.js'
import { writeHeader } from '../../src/images/tar/write.js'
import { imageReference, referenceText } from '../../src/policy/index.js'
import { ociImage, type TestEntry, tarball } from '../support/tarball.js'

const SECONDS = Number(process.env.GLOVEBOX_FUZZ_SECONDS ?? 1)
const params = { interruptAfterTimeLimit: SECONDS * 1000, numRuns: 1_000_000, markInterruptAsFailure: false }

/** The value, or `null` for a refusal; anything else that is thrown is a fault. */
function tried<T>(read: () => T): T | null {
  try {
    return read()
  } catch (error) {
    assert.ok(error instanceof ImageError, String(error))
    return null
  }
}

const name = fc.oneof(
  fc.stringMatching(/^[a-z./]{1,12}$/),
  fc.constantFrom('../x', '/abs', 'a/../../b', '.', './', 'a\nb', '.wh.x', 'x'.repeat(99)),
  fc.string({ maxLength: 90 }),
)
const entry: fc.Arbitrary<TestEntry> = fc.record(
  {
    name,
    type: fc.constantFrom('0', '1', '2', '3', '5', '6', 'L', 'K', 'x', 'g', 'S', '\0'),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    content: fc.string({ maxLength: 700 }),
    target: name,
    pax: fc.dictionary(
      fc.constantFrom('path', 'linkpath', 'size', 'SCHILY.xattr.security.capability'),
      fc.string({ maxLength: 40 }),
      { maxKeys: 2 },
    ),
    size: fc.integer({ min: 0, max: 2000 }),
  },
  { requiredKeys: ['name'] },
)
/** Archives that are right or nearly so. */
const archive = fc
  .tuple(fc.array(entry, { maxLength: 4 }), fc.integer({ min: 0, max: 4000 }), fc.nat(255), fc.boolean())
  .map(([entries, at, value, broken]) => {
    const bytes = tarball(entries)
    if (broken && bytes.length > 0) bytes[at % bytes.length] = value
    return bytes
  })
const pieces = (bytes: Buffer, length: number) =>
  Array.from({ length: Math.ceil(bytes.length / length) }, (_, i) =>
    bytes.subarray(i * length, (i + 1) * length),
  )

async function* chunks(bytes: Buffer, length: number) {
  yield* pieces(bytes, length)
}

test('a layer that is made plain holds nothing but files, folders and links that stay in the tree, in whatever pieces it comes', async () => {
  let taken = 0
  await fc.assert(
    fc.asyncProperty(archive, fc.integer({ min: 1, max: 1500 }), async (bytes, length) => {
      const budget = { bytes: 10_000, files: 10 }
      const parts: Buffer[] = []
      try {
        for await (const part of plainLayer(chunks(bytes, length), budget, { special: 0, bits: 0 }))
          parts.push(part)
      } catch (error) {
        assert.ok(error instanceof ImageError, String(error))
        return
      }
      taken++
      for await (const { path, type, mode, target } of tarEntries(pieces(Buffer.concat(parts), 4096))) {
        assert.ok(['file', 'folder', 'link', 'hardlink'].includes(type), type)
        for (const inside of type === 'hardlink' ? [path, target] : [path])
          assert.ok(!inside.startsWith('/') && !inside.split('/').includes('..'), inside)
        assert.equal(mode & 0o7022 & (type === 'link' ? 0 : 0o7777), 0)
      }
    }),
    params,
  )
  assert.ok(taken > 5, 'all were refused')
})

test('what is written is what is read, whatever the name', () => {
  const text = fc.string({
    unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
    minLength: 1,
    maxLength: 300,
  })
  return fc.assert(
    fc.asyncProperty(text, text, fc.integer({ min: 0, max: 0o777 }), async (path, target, mode) => {
      const bytes = Buffer.concat([
        writeHeader({ path, type: 'link', size: 0, mode, mtime: 1, target }),
        Buffer.alloc(1024),
      ])
      for await (const read of tarEntries([bytes]))
        assert.deepEqual([read.path, read.target, read.mode], [path, target, mode])
    }),
    params,
  )
})

test('a header and PAX records are bounded numbers and text, or a refusal', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 512, maxLength: 512 }),
      fc.uint8Array({ maxLength: 200 }),
      (block, pax) => {
        const header = tried(() => readHeader(Buffer.from(block)))
        if (header !== null) assert.ok(header.size >= 0 && header.size <= 2 ** 50)
        const said = tried(() => readPax(Buffer.from(pax)))
        if (said?.size !== undefined) assert.ok(Number.isSafeInteger(said.size))
      },
    ),
    params,
  )
})

const good = ociImage([tarball([{ name: 'a' }])])
const GOOD = Object.values(good.files).flatMap((bytes) =>
  bytes[0] === 0x7b ? [JSON.parse(bytes.toString())] : [],
)
/** One of the three kinds, with a part of it replaced. */
const document = fc
  .tuple(fc.constantFrom(...GOOD), fc.jsonValue(), fc.nat(), fc.boolean())
  .map(([whole, junk, at, whither]) => {
    const copy = JSON.parse(JSON.stringify(whole))
    const keys = Object.keys(copy)
    if (whither) copy[keys[at % keys.length] ?? ''] = junk
    return Buffer.from(JSON.stringify(whither ? copy : junk))
  })

test('manifests, indexes, configurations and platforms are what they must be, or refused', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        document,
        fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
      ),
      (bytes) => {
        const manifest = tried(() => readManifest(bytes))
        const all =
          manifest === null
            ? []
            : manifest.kind === 'image'
              ? [manifest.config, ...manifest.layers]
              : manifest.manifests
        for (const { digest, bytes: size } of all) {
          assert.match(digest, /^sha256:[0-9a-f]{64}$/)
          assert.ok(Number.isSafeInteger(size) && size >= 0)
        }
        if (manifest?.kind === 'index') tried(() => chosen(manifest.manifests, readPlatform('linux/amd64')))
        for (const id of tried(() => readConfig(bytes))?.diffIds ?? [])
          assert.match(id, /^sha256:[0-9a-f]{64}$/)
      },
    ),
    params,
  )
})

test('the name of an image has one spelling, which means the same', () => {
  const word = fc.stringMatching(/^[a-z0-9._:@/-]{1,30}$/)
  let meant = 0
  fc.assert(
    fc.property(fc.oneof(word, fc.string()), (text) => {
      const reference = imageReference(text)
      if ('what' in reference) return
      meant++
      assert.deepEqual(imageReference(referenceText(reference)), reference)
      assert.match(referenceText(reference), /^[A-Za-z0-9._:@/[\]-]+$/)
    }),
    params,
  )
  assert.ok(meant > 5)
})
