import assert from 'node:assert/strict'
import { asEachNetworkUser, glovebox } from '../support/users.js'

asEachNetworkUser('a program for the network that fails without one: where to get one', async (user) => {
  const { status, stderr } = await glovebox(user, ['run', '--', 'curl', '-sS', 'http://a.test/'])
  assert.notEqual(status, 0)
  assert.match(stderr, /The sandbox has no network\..*--allow-host HOST/)
})

asEachNetworkUser(
  'a job that fails after a refusal: what was refused, and the line that allows it',
  async (user) => {
    const command = ['sh', '-c', 'curl -sS http://b.test/; curl -sS http://10.1.2.3:8080/; exit 7']
    const { status, stderr } = await glovebox(user, ['run', '--allow-host', 'a.test', '--', ...command])
    assert.equal(status, 7)
    assert.match(
      stderr,
      /refused on the network: b\.test \(dns, denyName\)\. Write `- b\.test` under network\.allow\. 1 more: --report FILE has them all\./,
    )
  },
)

asEachNetworkUser('a job that succeeds, or has no refusal, hears of no network', async (user) => {
  const refused = await glovebox(user, [
    'run',
    '--allow-host',
    'a.test',
    '--',
    'sh',
    '-c',
    'curl -s http://b.test/; true',
  ])
  assert.deepEqual([refused.status, refused.stderr], [0, ''])
  const failed = await glovebox(user, ['run', '--allow-host', 'a.test', '--', 'false'])
  assert.deepEqual([failed.status, failed.stderr], [1, ''])
})

asEachNetworkUser('--quiet says nothing of it', async (user) => {
  const { stderr } = await glovebox(user, [
    'run',
    '--quiet',
    '--allow-host',
    'a.test',
    '--',
    'curl',
    '-s',
    'http://b.test/',
  ])
  assert.equal(stderr, '')
})
