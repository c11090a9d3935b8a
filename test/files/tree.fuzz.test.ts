import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { UsageError } from '../../src/errors/index.js'
import {
  badEntryName,
  insidePath,
  matchesOutput,
  outputPattern,
  placeOf,
  quotedPath,
  TreeCheck,
} from '../../src/files/index.js'

const SECONDS = Number(process.env.GLOVEBOX_FUZZ_SECONDS ?? 1)
const PARTS = 5
const run = { numRuns: Number.POSITIVE_INFINITY, interruptAfterTimeLimit: (SECONDS * 1000) / PARTS }

const unit = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    '.',
    '..',
    '*',
    '**',
    '/',
    '//',
    '\n',
    '\u001b',
    '\u009b',
    '\u202e',
    '\u200f',
    '\ufffd',
    '\ud800',
    'é',
    '\0',
    ' ',
  ),
  fc.string({ unit: 'binary', maxLength: 3 }),
)
const text = fc.array(unit, { maxLength: 12 }).map((parts) => parts.join(''))

/** What matching means, said by a regular expression: an oracle that is allowed to be slow. */
function oracle(pattern: string, path: string): boolean {
  const source = pattern
    .split('/')
    .map((part) =>
      part === '**'
        ? '.+'
        : part
            .split('*')
            .map((each) => each.replace(/[^a-z]/g, '\\$&'))
            .join('[^/]*'),
    )
    .join('/')
  return new RegExp(`^${source}$`, 'su').test(path)
}

describe('what comes out of a sandbox, as names', () => {
  test('a path inside is absolute and plain, or a mistake of the caller’s', () => {
    fc.assert(
      fc.property(text, (written) => {
        try {
          const path = insidePath(written, '/job')
          assert.equal(path, posix.normalize(path))
          assert.ok(path.startsWith('/') && !path.split('/').includes('..'))
        } catch (error) {
          assert.ok(error instanceof UsageError)
        }
      }),
      run,
    )
  })

  test('patterns of names match what a regular expression matches', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 5 })
    const plain = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 5 })
    const segments = fc.array(
      name.filter((each) => !each.includes('**')),
      { minLength: 1, maxLength: 3 },
    )
    const pattern = fc.oneof(
      segments,
      fc.tuple(segments, segments).map(([before, after]) => [...before, '**', ...after]),
      segments.map((before) => [...before, '**']),
    )
    fc.assert(
      fc.property(pattern, fc.array(plain, { minLength: 1, maxLength: 6 }), (written, names) => {
        const wanted = outputPattern(`/${written.join('/')}`, '/')
        const path = `/${names.join('/')}`
        const expected =
          wanted.rest.length === 0
            ? path === wanted.base || path.startsWith(`${wanted.base}/`)
            : written.indexOf('**') > 0 && written.at(-1) !== '**'
              ? oracle(`/${written.join('/')}`, path) ||
                oracle(`/${written.filter((each) => each !== '**').join('/')}`, path)
              : oracle(`/${written.join('/')}`, path)
        assert.equal(matchesOutput(wanted, path), expected, `${written.join('/')} and ${path}`)
      }),
      run,
    )
  })

  test('matching takes no longer for hostile names', () => {
    const wanted = outputPattern(`/job/${'*a'.repeat(100)}*b`, '/')
    const before = performance.now()
    for (let i = 0; i < 100; i++) matchesOutput(wanted, `/job/${'a'.repeat(255)}`)
    assert.ok(performance.now() - before < 500)
  })

  test('a name that is kept is one plain part of a path, and shows as it is', () => {
    fc.assert(
      fc.property(text, (name) => {
        if (badEntryName(name) !== null) return
        assert.ok(name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0'))
        assert.equal(Buffer.from(name).toString(), name)
        assert.doesNotMatch(name, /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/u)
      }),
      run,
    )
  })

  test('a path in a message acts on nothing, whatever it is', () => {
    fc.assert(
      fc.property(text, (path) => {
        assert.doesNotMatch(
          quotedPath(path),
          /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/u,
        )
        assert.ok(quotedPath(path).length < 2000)
      }),
      run,
    )
  })

  test('a tree that is accepted is one: each entry once, below a folder that came before, within its bounds', () => {
    const entry = fc.record({
      path: fc.oneof(
        fc
          .array(fc.constantFrom('a', 'b', '..', '.', '', 'c\n'), { maxLength: 4 })
          .map((parts) => `/job/out/${parts.join('/')}`),
        text,
        fc.constant('/job/out'),
        fc.constant('/job/out/a'),
      ),
      bytes: fc.option(
        fc.oneof(fc.integer({ min: 0, max: 80 }), fc.constantFrom(-1, 2 ** 53, Number.NaN, 0.5)),
        { nil: null },
      ),
    })
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 20 }), (entries) => {
        const check = new TreeCheck({ bytes: 100, entries: 6 })
        const folders = new Set<string>()
        const seen = new Set<string>()
        let bytes = 0
        for (const each of entries) {
          const refusal =
            each.bytes === null
              ? check.folder(each.path, '/job/out')
              : check.file(each.path, '/job/out', each.bytes)
          if (refusal !== null) return // the whole collection is refused
          assert.ok(!seen.has(each.path))
          seen.add(each.path)
          assert.ok(each.path === '/job/out' || folders.has(posix.dirname(each.path)), each.path)
          assert.equal(posix.normalize(each.path), each.path)
          if (each.bytes === null) folders.add(each.path)
          else bytes += each.bytes
        }
        assert.ok(bytes <= 100 && seen.size <= 6)
      }),
      run,
    )
  })
})

describe('where a path lies', () => {
  const plan = {
    root: { kind: 'host' },
    workdir: '/job',
    read: [{ host: '/srv/in', inside: '/tmp/in' }],
    write: [{ host: '/srv/out', inside: '/tmp/deep/out' }],
    live: [],
    scratch: { bytes: 1, inodes: 1, places: ['/job', '/tmp', '/tmp/deep/out'] },
  } as const
  const placed = (path: string) => placeOf(insidePath(path, '/job'), plan)

  test('in the deepest scratch folder that holds it', () => {
    assert.deepEqual(placed('a/b'), { place: '/job', below: 'a/b' })
    assert.deepEqual(placed('/tmp/deep/out'), { place: '/tmp/deep/out', below: '' })
    assert.deepEqual(placed('/tmp/deep/out/x'), { place: '/tmp/deep/out', below: 'x' })
    assert.deepEqual(placed('/tmp/deep/other'), { place: '/tmp', below: 'deep/other' })
  })

  test('nowhere, when it is below a read grant, beside a folder of similar name, or in none', () => {
    for (const path of ['/tmp/in', '/tmp/in/x', '/jobs/x', '/tmpx', '/', '/etc/passwd', '/proc/1/environ'])
      assert.equal(placed(path), null, path)
    assert.deepEqual(placed('/tmp/inx'), { place: '/tmp', below: 'inx' })
  })
})
