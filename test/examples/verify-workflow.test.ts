/** The workflow's own script: a policy that can not be verified fails it, and a hostile name is no command. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parse } from 'yaml'
import { HANG } from '../run/tools.js'
import { ROOT, testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'

const { jobs } = parse(readFileSync(join(ROOT, 'examples/github-actions/verify.yml'), 'utf8'))
const SCRIPT = jobs.verify.steps.find(({ name }: { name?: string }) => name === 'attack each policy').run

/** The policies by name; what the step says. `sudo`: of the runner, who may; here whoever runs the tests. */
function checked(t: TestContext, policies: Readonly<Record<string, string>>) {
  const folder = testFolder(t)
  for (const name of ['bin', 'policies']) mkdirSync(join(folder, name))
  symlinkSync(join(ROOT, 'bin/glovebox'), join(folder, 'bin/glovebox'))
  writeFileSync(join(folder, 'bin/sudo'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 })
  for (const [name, text] of Object.entries(policies)) writeFileSync(join(folder, 'policies', name), text)
  return finished(['bash', '-eo', 'pipefail', '-c', SCRIPT], {
    ...HANG,
    cwd: folder,
    env: { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}`, POLICIES: 'policies' },
  })
}

test('no policy, no failure', async (t) => {
  const { status, stderr } = await checked(t, {})
  assert.deepEqual([status, stderr], [0, ''])
})

test('a policy that can not be read fails the step, whatever it is called', async (t) => {
  const { status, stdout, stderr } = await checked(t, { '$(touch x)\n::error::.yaml': 'version: 2\n' })
  assert.equal(status, 1)
  assert.match(stderr, /version/)
  assert.match(stdout, /^::stop-commands::[0-9a-f]{32}\n::[0-9a-f]{32}::\n$/)
})
