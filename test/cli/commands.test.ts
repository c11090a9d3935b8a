/** explain, doctor and policy, as a person and as a program reads them. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { PolicyError, parsePolicy } from '../../src/index.js'
import { asRootAndOrdinary, asSuiteUser, HANG, ran } from '../run/tools.js'
import { ROOT, testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'

const glovebox = (cwd: string, ...args: string[]) =>
  finished([process.execPath, join(ROOT, 'bin/glovebox'), ...args], { cwd, ...HANG })

asRootAndOrdinary('explain: every claim as text and as JSON, and what bubblewrap is told', async (user) => {
  const text = await ran(user, ['explain', '--policy', 'imagemagick'])
  assert.equal(text.status, 0, text.stderr)
  const json = JSON.parse((await ran(user, ['explain', '--policy', 'imagemagick', '--json'])).stdout)
  assert.ok(json.claims.length > 20)
  for (const { sentence, status } of json.claims)
    if (status === 'enforced') assert.ok(text.stdout.includes(sentence), sentence)
  const native = await ran(user, ['explain', '--native'])
  assert.match(native.stdout, /^--unshare-user$/m)
  assert.match(native.stdout, /^--disable-userns$/m)
  const both = JSON.parse((await ran(user, ['explain', '--native', '--json'])).stdout)
  assert.deepEqual(both.words, native.stdout.trimEnd().split('\n'))
})

asSuiteUser('explain runs nothing, command or not', async (user) => {
  const { status, stdout } = await ran(user, ['explain', '--', 'sh', '-c', 'echo it ran'])
  assert.equal(status, 0)
  assert.doesNotMatch(stdout, /^it ran$/m)
})

asRootAndOrdinary(
  'doctor says what there is and how to get the rest; 1 when something is missing',
  async (user) => {
    const argv = user
      .cli(['doctor', '--json'])
      .filter((item) => item !== '--waive' && item !== 'limits.memory')
    const json = await finished(user.as(argv), { cwd: '/', ...HANG })
    const found = JSON.parse(json.stdout) as { name: string; status: string; what: string; get: string }[]
    assert.equal(json.status, found.some(({ status }) => status === 'missing') ? 1 : 0)
    const boundary = found.find(({ name }) => name === 'boundary process')
    assert.equal(boundary?.status, 'good', boundary?.what)
    const memory = found.find(({ name }) => name === 'limits.memory')
    assert.equal(memory?.status, user.noMemoryLimit === null ? 'good' : 'missing')
    for (const { status, get, name } of found) if (status === 'missing') assert.notEqual(get, '', name)
    const text = await finished(user.as(argv.filter((item) => item !== '--json')), { cwd: '/', ...HANG })
    for (const { name } of found) assert.ok(text.stdout.includes(name), name)
  },
)

test('policy check: good and bad files, as text and as JSON; policy schema', async (t) => {
  const cwd = testFolder(t)
  writeFileSync(join(cwd, 'good.yaml'), 'version: 1\n')
  writeFileSync(join(cwd, 'bad.yaml'), 'version: 1\nlimts: {memory: 1GiB}\n')
  const good = await glovebox(cwd, 'policy', 'check', './good.yaml')
  assert.deepEqual([good.status, good.stdout, good.stderr], [0, './good.yaml: good.\n', ''])
  const bad = await glovebox(cwd, 'policy', 'check', './good.yaml', './bad.yaml')
  assert.equal(bad.status, 1)
  assert.match(bad.stdout, /^\.\/bad\.yaml:2:1: .*limts.*limits/m)
  const json = await glovebox(cwd, 'policy', 'check', '--json', './bad.yaml')
  const { file, sha256, problems } = JSON.parse(json.stdout)
  assert.deepEqual([json.status, file, sha256, problems.length], [1, './bad.yaml', null, 1])
  assert.equal((await glovebox(cwd, 'policy', 'check', './nope.yaml')).status, 1)
  // refused by every run: a check that says "good" would be wrong
  writeFileSync(join(cwd, 'calls.yaml'), 'version: 1\nsyscalls: {deny: [setpriority], allow: [socket]}\n')
  const calls = await glovebox(cwd, 'policy', 'check', './calls.yaml')
  assert.equal(calls.status, 1)
  assert.match(calls.stdout, /^\.\/calls\.yaml: syscalls\.deny\[0\]: "setpriority" can't be denied/m)
  assert.match(calls.stdout, /^\.\/calls\.yaml: syscalls\.allow\[0\]: "socket" can't be allowed/m)
  const schema = await glovebox(cwd, 'policy', 'schema')
  assert.equal(schema.status, 0)
  assert.ok(JSON.parse(schema.stdout).properties.limits.description)
})

test('a ceiling holds for what the library loads as well', (t) => {
  const path = join(testFolder(t), 'ceiling.yaml')
  writeFileSync(path, 'version: 1\nlimits: {memory: 128MiB}\n', { mode: 0o644 })
  const ceiling = { path, owner: process.getuid?.() ?? 0 }
  const limits = (memory: string) => parsePolicy({ version: 1, limits: { memory } }, { ceiling })
  assert.throws(() => limits('129MiB'), PolicyError)
  assert.ok(limits('128MiB'))
})
