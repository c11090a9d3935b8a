import assert from 'node:assert/strict'
import { test } from 'node:test'
import { imageReference, parsePolicy, policyDocument, referenceText } from '../../src/policy/index.js'
import { folder, message, parse } from './harness.js'

const hex = 'a'.repeat(64)

test('names of images are read as registries read them, into one spelling', () => {
  for (const [written, spelling] of [
    ['tool', 'tool:latest'],
    ['team/tool:1.2', 'team/tool:1.2'],
    ['registry.test/tool', 'registry.test/tool:latest'],
    ['localhost:5000/tool:1', 'localhost:5000/tool:1'],
    ['[::1]:5000/tool:1', '[::1]:5000/tool:1'],
    [`tool@sha256:${hex}`, `tool@sha256:${hex}`],
    [`tool:1@sha256:${hex}`, `tool:1@sha256:${hex}`],
    [`sha256:${hex}`, `sha256:${hex}`],
  ] as const) {
    const reference = imageReference(written)
    assert.ok(!('what' in reference), written)
    assert.equal(referenceText(reference), spelling)
    assert.deepEqual(parse({ version: 1, root: `image:${written}` }).root, {
      kind: 'image',
      reference: spelling,
    })
  }
})

test('what could be taken for another image is refused', () => {
  for (const [written, said] of [
    ['Tool', /Names are written in small letters/],
    ['a//b', /is not the name of an image/],
    ['../up', /names a registry that is no host/],
    ['tool:1:2', /is not the name of an image|tag that is none/],
    ['tool:\u0031\u200b', /tag that is none/],
    ['registry.test:99999/tool', /names a registry that is no host/],
    ['user@registry.test/tool', /digest that is none/],
    [`tool@sha512:${hex}`, /digest that is none/],
    [`tool@sha256:${hex.toUpperCase()}`, /digest that is none/],
    [' tool', /is not the name of an image/],
    ['a'.repeat(600), /too long/],
  ] as const)
    assert.match(message({ version: 1, root: `image:${written}` }), said, written)
})

const anyFolder = {
  resolveHostPath: (path: string) => ({ path, kind: 'directory', installation: '/opt/glovebox' }) as const,
}

test('a root is written as it was read', () => {
  for (const root of ['host', 'dir:/srv/root', 'image:tool:1']) {
    const policy = parse({ version: 1, root }, anyFolder)
    assert.equal(policyDocument(policy).root, root)
  }
})

test('a ceiling bounds the root: the one it names, or folders that jobs may read', (t) => {
  const dir = folder(t, {
    'reads.yaml': 'version: 1\nfiles: {read: [/srv]}',
    'image.yaml': 'version: 1\nroot: image:tool:1',
    'host.yaml': 'version: 1\nroot: host',
  })
  const said = (ceiling: string, root: string) => {
    const options = {
      source: 'policy.yaml',
      ceiling: { path: `${dir}/${ceiling}.yaml`, owner: process.getuid?.() ?? 0 },
      ...anyFolder,
    }
    try {
      parsePolicy({ version: 1, root }, options)
      return 'accepted'
    } catch (error) {
      return (error as Error).message
    }
  }
  assert.equal(said('reads', 'dir:/srv/root'), 'accepted')
  assert.equal(said('reads', 'image:any'), 'accepted')
  assert.match(
    said('reads', 'dir:/home/x'),
    /root: "\/home\/x" is above the ceiling, which does not let jobs read it/,
  )
  assert.equal(said('image', 'image:tool:1'), 'accepted')
  for (const root of ['host', 'image:tool:2', 'dir:/srv/root'])
    assert.match(said('image', root), /the root must be "image:tool:1".*Write root: image:tool:1/)
  assert.match(said('host', 'image:tool:1'), /the root must be "host", not "image:tool:1"/)
})
