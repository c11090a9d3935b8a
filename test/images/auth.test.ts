/** Logins that other tools keep: found where they are, and no more of them handed on than the one that is asked for. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { authFiles, authFor } from '../../src/images/auth.js'
import { testFolder } from '../support/checkout.js'

const login = (text: string) => ({ auth: Buffer.from(text).toString('base64') })

test('only the login of the registry that is asked leaves the file', (t) => {
  const home = testFolder(t)
  mkdirSync(join(home, '.docker'))
  const auths = {
    'a.test': login('me:one'),
    'https://b.test/v2/': login('me:two'),
    'c.test': { auth: '', email: 'x' },
  }
  writeFileSync(join(home, '.docker/config.json'), JSON.stringify({ auths, HttpHeaders: { x: 'y' } }))
  const found = (registry: string) => JSON.parse(authFor(registry, { HOME: home }) ?? 'null')
  assert.deepEqual(found('a.test'), { auths: { 'a.test': login('me:one') } })
  assert.deepEqual(found('b.test'), { auths: { 'b.test': login('me:two') } })
  for (const none of ['evil.a.test', 'a.test:443', 'a.tes', '__proto__', 'constructor'])
    assert.equal(found(none), null, none)
})

test('the files are asked in the order of the tools, and one that was named alone', (t) => {
  const folder = testFolder(t)
  const env = { HOME: '/h', XDG_RUNTIME_DIR: '/r', DOCKER_CONFIG: '/d' }
  assert.deepEqual(authFiles(env), ['/r/containers/auth.json', '/d/config.json'])
  assert.deepEqual(authFiles({ HOME: '/h' }), ['/h/.docker/config.json'])
  assert.deepEqual(authFiles({ ...env, REGISTRY_AUTH_FILE: '/n' }), ['/n'])
  assert.equal(authFor('a.test', { HOME: folder }), null)
  assert.throws(
    () => authFor('a.test', { REGISTRY_AUTH_FILE: join(folder, 'none') }),
    /can't be read: ENOENT/,
  )
  writeFileSync(join(folder, 'bad'), '{"auths": "secret-value')
  assert.throws(
    () => authFor('a.test', { REGISTRY_AUTH_FILE: join(folder, 'bad') }),
    (error: Error) => /is no JSON object/.test(error.message) && !error.message.includes('secret-value'),
  )
})

test('a credential helper is asked for the one registry, by the name that the file has', (t) => {
  const folder = testFolder(t)
  const file = join(folder, 'config.json')
  writeFileSync(
    file,
    JSON.stringify({ credHelpers: { 'a.test': 'vault' }, credsStore: 'desktop', auths: { 'b.test': {} } }),
  )
  const asked: string[] = []
  const ask = (helper: string, server: string) => {
    asked.push(`${helper} ${server}`)
    return server === 'a.test' ? { name: 'me', secret: 'one' } : { name: '<token>', secret: 'two' }
  }
  const found = (registry: string) =>
    JSON.parse(authFor(registry, { REGISTRY_AUTH_FILE: file }, ask) ?? 'null')
  assert.deepEqual(found('a.test'), { auths: { 'a.test': login('me:one') } })
  assert.deepEqual(found('b.test'), { auths: { 'b.test': { identitytoken: 'two' } } })
  assert.equal(found('c.test'), null)
  assert.deepEqual(asked, ['vault a.test', 'desktop b.test'])
})

test('the helper that is started is the user’s own program, and one that fails has no login', (t) => {
  const folder = testFolder(t)
  const program = join(folder, 'docker-credential-glovebox-test')
  const said = '{"ServerURL":"a.test","Username":"me","Secret":"from the helper"}'
  writeFileSync(program, `#!/bin/sh\nread server\n[ "$1 $server" = "get a.test" ] && echo '${said}'\n`)
  chmodSync(program, 0o755)
  const file = join(folder, 'config.json')
  writeFileSync(
    file,
    JSON.stringify({
      credHelpers: { 'a.test': 'glovebox-test', 'b.test': '../evil', 'c.test': 'none-such' },
    }),
  )
  const path = process.env.PATH
  t.after(() => {
    process.env.PATH = path
  })
  process.env.PATH = `${folder}:${path}`
  assert.match(authFor('a.test', { REGISTRY_AUTH_FILE: file }) ?? '', /auths/)
  for (const none of ['b.test', 'c.test'])
    assert.equal(authFor(none, { REGISTRY_AUTH_FILE: file }), null, none)
})
