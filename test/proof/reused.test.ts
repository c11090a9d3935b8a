/** `verify --reused`: what is attacked has had a job of the same tenant before, and all holds as it does in a fresh one. */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parsePolicy } from '../../src/index.js'
import { explainPlan, hostOf, PlanRunner } from '../../src/sandbox/index.js'
import { asRootAndOrdinary, asSuiteUser, assertSaid, ran } from '../run/tools.js'
import { sharedFolder } from '../support/checkout.js'
import { USERS } from '../support/users.js'

const [user] = USERS
const waive = user?.noMemoryLimit === null ? [] : ['limits.memory']

test('each run is the second in its sandbox, several at once and of several plans', {
  skip: user?.skip ?? false,
}, async () => {
  const plans = [
    { lifetime: { deadline: '1s' } },
    { lifetime: { reuse: { within: 'tenant', scratch: 'keep' } } },
    { network: { allow: [{ host: 'host.test', inspect: true }] } },
  ].map((each) => explainPlan(parsePolicy({ version: 1, waive, ...each })).plan)
  const [first = assert.fail()] = plans
  const runner = new PlanRunner(hostOf(), first, { reused: true })
  try {
    const runs = [...plans, ...plans].map((plan) => runner.run(plan, ['true']))
    for (const { outcome } of await Promise.all(runs))
      assert.deepEqual([outcome.verdict.reason, outcome.turn.run], ['exited', 2])
  } finally {
    await runner.close()
  }
})

// what could go over from one job to the next
const CLAIMS = ['identity', 'isolation', 'lifetime', 'files.scratch-bounded', 'limits']

asRootAndOrdinary('what was used before holds as what was not', async (each) => {
  const only = CLAIMS.flatMap((claim) => ['--only', claim])
  const { status, stdout, stderr } = await ran(each, ['verify', '--quiet', '--reused', ...only], {
    timeout: 250_000,
  })
  assert.deepEqual([status, stderr], [0, ''], stdout)
  assert.match(stdout, / 0 broken/)
})

for (const scratch of ['clean', 'keep'])
  asRootAndOrdinary(`a policy that says reuse holds, with scratch that is ${scratch}`, async (each, t) => {
    const policy = join(sharedFolder(), `reuse-${scratch}-${each.name.replace(/\W+/g, '-')}.yaml`)
    t.after(() => rmSync(policy, { force: true }))
    writeFileSync(policy, `version: 1\nlifetime: {reuse: {within: tenant, scratch: ${scratch}}}\n`)
    const { status, stdout } = await ran(
      each,
      ['verify', '--quiet', '--policy', policy, '--only', 'lifetime'],
      {
        timeout: 200_000,
      },
    )
    assert.equal(status, 0, stdout)
    assert.match(stdout, /^holds +lifetime\.one-tenant +[23] probes/m)
  })

asSuiteUser('it is refused beside what attacks nothing', async (each) => {
  const listed = await ran(each, ['verify', '--reused', '--list'])
  assert.equal(listed.status, 2)
  assertSaid(listed, /--list and --reused don't go together/)
})
