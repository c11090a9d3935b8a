/** `verify --warm`: what is attacked has waited for its job, and all holds as it does in one that was made for it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePolicy } from '../../src/index.js'
import { explainPlan, hostOf, PlanRunner } from '../../src/sandbox/index.js'
import { asRootAndOrdinary, asSuiteUser, assertSaid, ran } from '../run/tools.js'
import { USERS } from '../support/users.js'

const [user] = USERS
const waive = user?.noMemoryLimit === null ? [] : ['limits.memory']

test('each run takes a sandbox that waited, several at once and of several plans', {
  skip: user?.skip ?? false,
}, async () => {
  const inspected = { allow: [{ host: 'host.test', inspect: true }] }
  const plans = [
    { lifetime: { deadline: '1s' } },
    { lifetime: { deadline: '2s' } },
    { network: inspected },
  ].map((each) => explainPlan(parsePolicy({ version: 1, waive, ...each })).plan)
  const [first = assert.fail()] = plans
  const runner = new PlanRunner(hostOf(), first, { warm: true })
  try {
    const runs = [...plans, ...plans, ...plans].map((plan) => runner.run(plan, ['true']))
    for (const { outcome } of await Promise.all(runs))
      assert.deepEqual([outcome.verdict.reason, outcome.isWarm], ['exited', true])
  } finally {
    await runner.close()
  }
})

// what could be left in one, or be open in it, before its job is there
const CLAIMS = ['identity', 'isolation', 'lifetime', 'files.scratch-bounded', 'limits.memory']

asRootAndOrdinary('what waited holds as what was made for its job', async (each) => {
  const only = CLAIMS.flatMap((claim) => ['--only', claim])
  const { status, stdout, stderr } = await ran(each, ['verify', '--quiet', '--warm', ...only], {
    timeout: 200_000,
  })
  assert.deepEqual([status, stderr], [0, ''], stdout)
  assert.match(stdout, / 0 broken/)
})

asSuiteUser(
  'where TLS is looked into, what waited has an authority of its own and no other',
  async (each) => {
    const policy = ['--allow-host', 'host.test', '--secret', 'TOKEN@host.test']
    const only = ['lifetime.empty', 'credentials.bound-to-host', 'credentials.never-inside'].flatMap(
      (claim) => ['--only', claim],
    )
    const { status, stdout, stderr } = await ran(each, ['verify', '--quiet', '--warm', ...policy, ...only], {
      env: { ...process.env, TOKEN: 'a-token-of-a-test' },
      timeout: 200_000,
    })
    assert.deepEqual([status, stderr], [0, ''], stdout)
    assert.match(stdout, / 0 broken/)
  },
)

asSuiteUser('it is refused beside what attacks nothing', async (each) => {
  const listed = await ran(each, ['verify', '--warm', '--list'])
  assert.equal(listed.status, 2)
  assertSaid(listed, /--list and --warm don't go together/)
})
