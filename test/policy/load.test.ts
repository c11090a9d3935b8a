import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isProfileName, loadPolicy, profileNames } from '../../src/policy/index.js'
import { folder, NO_CEILING, refusal } from './harness.js'

const options = { ceiling: NO_CEILING }

test('relative host paths start from the policy file, not from the working directory', (t) => {
  const dir = folder(t, { 'etc/p.yaml': 'version: 1\nfiles: {read: ["../in:/in"]}', 'in/': '' })
  const expected = [{ host: `${dir}/in`, inside: '/in' }]
  assert.deepEqual(loadPolicy(join(dir, 'etc/p.yaml'), options).files.read, expected)
  assert.deepEqual(loadPolicy('./etc/p.yaml', { ...options, cwd: dir }).files.read, expected)
})

test('an error names the file as it was given', (t) => {
  const dir = folder(t, { 'p.json': '{"version": 1,\n "limits": {"memory": "1"}}' })
  const { message } = refusal(() => loadPolicy('./p.json', { ...options, cwd: dir }))
  assert.match(message, /^\.\/p\.json:2:23: limits\.memory: "1" is not a size\./)
})

test('a file that is missing, a folder, a fifo, too large or no UTF-8 is refused, and nothing waits', (t) => {
  const dir = folder(t, { 'large.yaml': `version: 1\n#${'x'.repeat(300_000)}` })
  execFileSync('mkfifo', [join(dir, 'fifo.yaml')])
  writeFileSync(join(dir, 'latin.yaml'), Buffer.from([0x76, 0xe9]))
  const codes = ['none.yaml', '.', 'fifo.yaml', 'large.yaml', 'latin.yaml'].map(
    (name) => refusal(() => loadPolicy(join(dir, name), options)).code,
  )
  const unreadable = 'policy.unreadable'
  assert.deepEqual(codes, ['policy.notFound', unreadable, unreadable, 'policy.tooLarge', unreadable])
  assert.equal(refusal(() => loadPolicy('', options)).code, 'policy.notFound')
})

test('a bare word names a built-in profile; a path or a name with a dot never does', () => {
  assert.ok(isProfileName('imagemagick'))
  for (const name of ['./imagemagick', 'imagemagick.yaml', 'a/b', '']) assert.ok(!isProfileName(name), name)
  assert.ok(profileNames().includes('imagemagick'))
})

test('an unknown profile is refused with the nearest and all that there are', (t) => {
  const profilesDir = folder(t, { 'ffmpeg.yaml': '', 'imagemagick.yaml': '' })
  assert.equal(
    refusal(() => loadPolicy('imagemagik', { ...options, profilesDir })).message,
    'there is no built-in profile "imagemagik". Did you mean imagemagick? Built in: ffmpeg, imagemagick. ' +
      'For a file of that name write ./imagemagik.',
  )
})

test('every built-in profile loads, and grants no file and no waiver', () => {
  for (const name of profileNames()) {
    const policy = loadPolicy(name, options)
    assert.deepEqual([policy.files, policy.waive], [{ read: [], write: [] }, []], name)
  }
})
