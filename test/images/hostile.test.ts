/**
 * Images made to do harm while they are unpacked. Each attack has its control: what plain tar, told to do what the archive
 * says, would have done with it. A regression shows as a file outside of the tree, a node or bit in the store, or a full disk.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { finished } from '../support/spawned.js'
import { ociImage, type TestEntry, tarball, written } from '../support/tarball.js'
import { SUITE_IS_ROOT } from '../support/users.js'
import { NO_TOOLS, STORE_USERS, type TestStore, testStore } from './stores.js'

interface Attack {
  readonly name: string
  /** `out`: a folder outside of the tree, with a file `secret` in it */
  readonly entries: (out: string) => readonly TestEntry[]
  /** what came of the import: a refusal, or `null`: it is taken, and made harmless */
  readonly refused: RegExp | null
  /** plain tar did it */
  readonly control: (out: string, unpacked: string) => boolean
  /** nothing of it in the tree of the store; absent: nothing was kept */
  readonly harmless?: (tree: string, out: string) => void
  readonly rootControl?: true
}

const up = '../'.repeat(12)

const ATTACKS: readonly Attack[] = [
  {
    name: 'a file above the tree',
    entries: (out) => [{ name: `${up}${out.slice(1)}/planted`, content: 'x' }],
    refused: /leads out of the tree/,
    control: (out) => existsSync(join(out, 'planted')),
  },
  {
    name: 'a file above the tree, which only the PAX record says',
    entries: (out) => [{ name: 'harmless', pax: { path: `${up}${out.slice(1)}/planted` }, content: 'x' }],
    refused: /leads out of the tree/,
    control: (out) => existsSync(join(out, 'planted')),
  },
  {
    name: 'a file with an absolute name',
    entries: (out) => [{ name: `${out}/planted`, content: 'x' }],
    refused: null,
    control: (out) => existsSync(join(out, 'planted')),
    harmless: (tree, out) => assert.ok(statSync(join(tree, out, 'planted')).isFile()),
  },
  {
    name: 'a link out, and then a file through it',
    entries: (out) => [
      { name: 'way', type: '2', target: out },
      { name: 'way/planted', content: 'x' },
    ],
    refused: null,
    control: (out) => existsSync(join(out, 'planted')),
    harmless: (tree) => assert.ok(lstatSync(join(tree, 'way')).isSymbolicLink()),
  },
  {
    name: 'a hard link to a file of the host',
    entries: (out) => [{ name: 'stolen', type: '1', target: `${up}${out.slice(1)}/secret` }],
    refused: /leads out of the tree/,
    control: (_, unpacked) => readFileSync(join(unpacked, 'stolen'), 'utf8') === 'secret',
  },
  {
    name: 'a hard link to a file of the host, by its absolute name',
    entries: (out) => [{ name: 'stolen', type: '1', target: `${out}/secret` }],
    refused: /could not be unpacked/,
    control: (_, unpacked) => readFileSync(join(unpacked, 'stolen'), 'utf8') === 'secret',
  },
  {
    name: 'setuid and setgid programs, in a layer and over one',
    entries: () => [
      { name: 'bin/su', mode: 0o4755, content: 'x' },
      { name: 'bin/sg', mode: 0o2755, content: 'x' },
      { name: 'bin', type: '5', mode: 0o2777 },
    ],
    refused: null,
    control: (_, unpacked) => (lstatSync(join(unpacked, 'bin/su')).mode & 0o4000) !== 0,
    harmless: (tree) => {
      for (const each of ['bin/su', 'bin/sg', 'bin'])
        assert.equal(lstatSync(join(tree, each)).mode & 0o7777, 0o755, each)
    },
  },
  {
    name: 'the device of the host’s memory',
    entries: () => [{ name: 'dev/mem', type: '3', mode: 0o666 }],
    refused: null,
    control: (_, unpacked) => lstatSync(join(unpacked, 'dev/mem')).isCharacterDevice(),
    harmless: (tree) => assert.ok(!existsSync(join(tree, 'dev/mem'))),
    rootControl: true,
  },
  {
    name: 'a folder that nobody may enter, with a file in it',
    entries: () => [
      { name: 'closed', type: '5', mode: 0 },
      { name: 'closed/file', content: 'x', mode: 0 },
    ],
    refused: null,
    control: (_, unpacked) => (lstatSync(join(unpacked, 'closed')).mode & 0o777) === 0,
    harmless: (tree) => assert.equal(readFileSync(join(tree, 'closed/file'), 'utf8'), 'x'),
  },
  {
    name: 'names with line ends and terminal escapes',
    entries: () => [{ name: 'a\nsha256:forged\x1b[31m', content: 'x' }],
    refused: null,
    control: (_, unpacked) => existsSync(join(unpacked, 'a\nsha256:forged\x1b[31m')),
    harmless: (tree) => assert.ok(existsSync(join(tree, 'a\nsha256:forged\x1b[31m'))),
  },
]

function inStore(store: TestStore, digest: string): string {
  return join(store.place, 'images', digest.slice('sha256:'.length), 'root')
}

for (const user of STORE_USERS)
  for (const { name, entries, refused, control, harmless, rootControl } of ATTACKS)
    test(`${name}: ${refused === null ? 'harmless' : 'refused'} (${user.name})`, {
      skip: user.skip ?? NO_TOOLS() ?? (rootControl && !SUITE_IS_ROOT ? 'its control takes root' : false),
    }, async (t) => {
      const store = testStore(user, t)
      const out = join(store.folder, 'out')
      mkdirSync(out)
      writeFileSync(join(out, 'secret'), 'secret')
      if (!user.isRoot) chmodSync(out, 0o777)
      const layer = tarball(entries(out))
      const image = ociImage([layer])
      written(join(store.folder, 'layout'), image.files)
      const { status, stdout, stderr } = await store.image('import', join(store.folder, 'layout'), 'hostile')
      assert.deepEqual(
        [existsSync(join(out, 'planted')), readFileSync(join(out, 'secret'), 'utf8')],
        [false, 'secret'],
      )
      if (refused === null) {
        assert.equal(stdout, `${image.digest}\n`, stderr)
        harmless?.(inStore(store, image.digest), out)
      } else {
        assert.equal(status, 1, stdout)
        assert.match(stderr, refused)
        assert.deepEqual([store.has('images'), store.has('names')], [[], []])
      }
      assert.deepEqual(store.has('staging'), [])

      const unpacked = join(store.folder, 'unpacked')
      mkdirSync(unpacked)
      writeFileSync(join(store.folder, 'layer.tar'), layer)
      await finished([
        'tar',
        '-C',
        unpacked,
        '--absolute-names',
        '--same-permissions',
        '-xf',
        join(store.folder, 'layer.tar'),
      ])
      assert.ok(control(out, unpacked), 'plain tar does no harm with it either: the attack proves nothing')
      execFileSync('chmod', ['-R', 'u+rwX', unpacked])
    })

const MiB = 1024 ** 2

test('bombs and floods are refused before they are unpacked: ratio, size, files, layers', {
  skip: NO_TOOLS() ?? false,
}, async (t) => {
  const store = testStore(STORE_USERS[0]!, t)
  const at = (name: string) => join(store.folder, name)
  const one = tarball([{ name: 'file', content: 'x' }])
  const zeros = tarball([{ name: 'zeros', content: Buffer.alloc(96 * MiB) }])
  const big = tarball([
    { name: 'big', content: Buffer.from(Array.from({ length: 2 * MiB }, (_, i) => (i * 7919) >> 5)) },
  ])
  const lying = tarball([{ name: 'short', content: 'x', size: 4096 }])
  for (const [name, layers, flags, said] of [
    ['ratio', [zeros], [], /unpacks to more than 250 times its size/],
    ['size', [big], ['--max-size', '1MiB'], /larger than an image may be.*--max-size/],
    ['layers', Array.from({ length: 128 }, () => one), [], /it has 128 layers; 127 is the most/],
    ['short', [lying], [], /The archive is damaged/],
  ] as const) {
    written(at(name), ociImage(layers).files)
    const { status, stderr } = await store.image('import', at(name), 'x', ...flags)
    assert.equal(status, 1, name)
    assert.match(stderr, said)
    assert.deepEqual([store.has('images'), store.has('staging')], [[], []], name)
  }
})

test('what an image says of itself is shown without its escapes', {
  skip: NO_TOOLS() ?? false,
}, async (t) => {
  const store = testStore(STORE_USERS[0]!, t)
  const image = ociImage([tarball([{ name: 'a', content: 'x' }])], {
    config: { Env: ['A=\x1b]0;owned\x07'], Cmd: ['\x9b31m'] },
  })
  written(join(store.folder, 'layout'), image.files)
  await store.image('import', join(store.folder, 'layout'), 'loud')
  for (const flags of [[], ['--json']]) {
    const { stdout } = await store.image('inspect', 'loud', ...flags)
    assert.match(stdout, /owned/)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    assert.doesNotMatch(stdout, /[\x1b\x07\x9b]/)
  }
})
