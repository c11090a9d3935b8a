/** explain in its other forms, from outside: against another policy, and as a page. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { HANG } from '../run/tools.js'
import { ROOT, testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'

const explain = (cwd: string, ...args: string[]) =>
  finished([process.execPath, join(ROOT, 'bin/glovebox'), 'explain', ...args], { cwd, ...HANG })

test('--against: 1 when anything is wider, 0 otherwise, as text and as JSON', async (t) => {
  const cwd = testFolder(t)
  writeFileSync(join(cwd, 'old.yaml'), 'version: 1\nnetwork: {allow: [api.x.test]}\n')
  writeFileSync(join(cwd, 'new.yaml'), 'version: 1\nnetwork: {allow: ["*.x.test", api.x.test]}\n')
  const wider = await explain(cwd, '--policy', './new.yaml', '--against', './old.yaml')
  assert.equal(wider.status, 1, wider.stderr)
  assert.match(wider.stdout, /WIDER +network\.allow\[0\]: every host below x\.test/)
  assert.match(wider.stdout, /A job can do more than before/)
  const back = await explain(cwd, '--policy', './old.yaml', '--against', './new.yaml', '--json')
  assert.equal(back.status, 0, back.stderr)
  const { widened, differences, policy, against } = JSON.parse(back.stdout)
  assert.equal(widened, false)
  assert.deepEqual([policy, against.policy], ['./old.yaml', './new.yaml'])
  assert.ok(differences.length > 0)
  assert.ok(differences.every(({ change }: { change: string }) => /narrowed|disappeared/.test(change)))
  const same = await explain(cwd, '--policy', './old.yaml', '--against', './old.yaml')
  assert.deepEqual([same.status, /Nothing is wider/.test(same.stdout)], [0, true])
})

test('--against: a profile by its name, and what flags add to it', async (t) => {
  const cwd = testFolder(t)
  const { status, stdout } = await explain(
    cwd,
    '--policy',
    'imagemagick',
    '--read',
    cwd,
    '--against',
    'imagemagick',
  )
  assert.equal(status, 1)
  assert.ok(stdout.includes(`WIDER     new  files.read: ${cwd}, to read`), stdout)
})

test('--against without a newer side compares nothing, so it is wrong usage; flags alone are one', async (t) => {
  const cwd = testFolder(t)
  writeFileSync(join(cwd, 'wide.yaml'), 'version: 1\nnetwork: {public: {}}\n')
  for (const more of [[], ['--json']]) {
    const { status, stdout, stderr } = await explain(cwd, '--against', './wide.yaml', ...more)
    assert.deepEqual([status, stdout], [2, ''])
    assert.match(
      stderr,
      /no flag says what the newer one is\. Write --policy NEW --against "\.\/wide\.yaml"\./,
    )
  }
  assert.equal((await explain(cwd, '--allow-public', '--against', './wide.yaml')).status, 0)
})

test('--html: a page on standard output; the text says the same', async (t) => {
  const cwd = testFolder(t)
  const page = await explain(cwd, '--policy', 'imagemagick', '--html')
  assert.match(page.stdout, /^<!doctype html>/)
  const text = (await explain(cwd, '--policy', 'imagemagick')).stdout
  for (const title of [
    'Can it get out?',
    'What can it reach?',
    'What can it read, write and use?',
    'How long, and how much?',
  ])
    for (const said of [page.stdout, text]) assert.ok(said.includes(title), title)
  assert.match(text, /\d+ of the \d+ system calls that (x86_64|arm64) knows/)
})

test('two forms at once, and a policy that is not there, are said to be wrong', async (t) => {
  const cwd = testFolder(t)
  for (const pair of [
    ['--html', '--json'],
    ['--html', '--native'],
    ['--against', 'imagemagick', '--html'],
  ]) {
    const { status, stderr } = await explain(cwd, ...pair)
    assert.equal(status, 2)
    assert.match(stderr, /don't go together/)
  }
  const none = await explain(cwd, '--policy', 'imagemagick', '--against', './none.yaml')
  assert.equal(none.status, 2)
  assert.match(none.stderr, /there is no policy file/)
})
