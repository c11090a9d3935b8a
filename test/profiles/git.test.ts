/**
 * The attack: a git server that answers with a redirect, to a host that the policy does not name; and a repository with a link to a
 * file of the host. A regression would show as a connection at the far side, or as the link on the host.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testFolder } from '../support/checkout.js'
import { USERS } from '../support/users.js'
import { OTHER, PUBLIC, reachedOf, sitesOf } from './sites.js'
import { control, online, runOnline, usage, withPrograms } from './tools.js'

const NEEDS = ['/usr/bin/git', '/usr/lib/git-core/git-http-backend']
const { folder: sites, ca, secret, internet } = sitesOf(['github.com'])
const flags = ['--input', `${ca}:ca.pem`, '--env', 'GIT_SSL_CAINFO=/job/ca.pem']
makeRepository()

withPrograms(NEEDS, 'git: a repository is cloned; a link in it comes out as a file', async (user, t) => {
  const folder = testFolder(t, 0o777)
  const { status, stderr, seen } = await runOnline(user, usage('git'), { folder, flags, ...internet })
  assert.equal(status, 0, stderr)
  assert.equal(readFileSync(join(folder, 'src/README'), 'utf8'), 'Hello World!\n')
  assert.ok(lstatSync(join(folder, 'src/link')).isFile())
  assert.deepEqual(reachedOf(seen), [PUBLIC])
})

withPrograms(
  NEEDS,
  'git: a redirect to another host ends there, and so does a host that was not added',
  async (user, t) => {
    const folder = testFolder(t, 0o777)
    const ask = (url: string, more: readonly string[]) => {
      const args = ['--policy', 'git', ...more, '--', 'git', 'ls-remote', url]
      return runOnline(user, args, { folder, flags, ...internet })
    }
    const moved = await ask('https://github.com/moved', ['--allow-host', 'github.com'])
    assert.notEqual(moved.status, 0)
    assert.match(moved.stderr, /Could not resolve host: other\.test/)
    assert.deepEqual(reachedOf(moved.seen), [PUBLIC])
    const unnamed = await ask('https://github.com/octocat/Hello-World', [])
    assert.notEqual(unnamed.status, 0)
    assert.deepEqual(unnamed.seen, [])
  },
)

control(NEEDS, 'git: the redirect is followed', async (t) => {
  const [self] = USERS
  assert.ok(self)
  const argv = ['git', '-c', `http.sslCAInfo=${ca}`, 'ls-remote', 'https://github.com/moved']
  const { seen } = await online(self, argv, { folder: testFolder(t, 0o777), ...internet })
  assert.deepEqual(reachedOf(seen), [PUBLIC, OTHER].sort())
})

function makeRepository(): void {
  const work = join(sites, 'work')
  mkdirSync(work)
  mkdirSync(join(sites, 'repositories/octocat'), { recursive: true })
  writeFileSync(join(work, 'README'), 'Hello World!\n')
  symlinkSync(secret, join(work, 'link'))
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' }
  const git = (...args: string[]) => execFileSync('git', args, { cwd: work, env, stdio: 'pipe' })
  git('init', '-q', '-b', 'main')
  git('add', '.')
  git('-c', 'user.name=Test', '-c', 'user.email=test@mail.test', 'commit', '-q', '-m', 'Two files')
  git('clone', '-q', '--bare', '.', join(sites, 'repositories/octocat/Hello-World'))
}
