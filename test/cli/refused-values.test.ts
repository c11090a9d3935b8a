/**
 * The attack: a caller's own shell has put a value into the command, and the run is refused before any value was known to be looked for.
 * What is written down then must not hold it. A regression shows as a report with a token in it.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ran, reportIn } from '../run/tools.js'
import { testFolder } from '../support/checkout.js'
import { asEachNetworkUser } from '../support/users.js'

const TOKEN = 'ghp_q7Zr2kXw9LmT4vBn8sYc'
const COMMAND = ['curl', '-H', `Authorization: Bearer ${TOKEN}`, 'https://api.github.com/user']
const SECRET = ['--secret', 'TOKEN@api.github.com']
const ALLOWED = [...SECRET, '--allow-host', 'api.github.com']
const LEFT_OUT = ['curl', '[3 arguments left out: no value was known yet]']

/** `secret` flags and what else is wrong with the run, before values are obtained */
const REFUSED: readonly (readonly [what: string, flags: readonly string[], env: object])[] = [
  ['a host that no rule allows', SECRET, { TOKEN }],
  ['another flag that is wrong', [...ALLOWED, '--memory', 'much'], { TOKEN }],
  [
    'a flag that is wrong, and holds the value',
    [...ALLOWED, '--env', `A B=${TOKEN}`, '--workdir', TOKEN],
    { TOKEN },
  ],
  ['an input that is no pair', [...ALLOWED, '--input', ':x'], { TOKEN }],
  ['a variable that is not set', ALLOWED, {}],
  ['a second credential that is not to be had', [...ALLOWED, '--secret', 'NONE@api.github.com'], { TOKEN }],
  ['a policy that cannot be read', ['--policy', './broken.yaml'], {}],
  ['a policy that is not there', ['--policy', './none.yaml'], {}],
  ['a value of its caller, which a command line has not', ['--policy', './caller.json'], {}],
]

asEachNetworkUser('a report of a refused run holds no value that its command holds', async (user, t) => {
  const cwd = testFolder(t, 0o777)
  writeFileSync(join(cwd, 'broken.yaml'), 'version: 1\ncredentials: {TOKEN: {source: {file: ')
  const network = { allow: ['api.github.com'] }
  const credentials = { TOKEN: { source: 'caller', hosts: ['api.github.com'], use: 'bearer' } }
  writeFileSync(join(cwd, 'caller.json'), JSON.stringify({ version: 1, network, credentials }))
  const refused = async (flags: readonly string[], values: object) => {
    const { TOKEN: _, ...rest } = process.env
    const env = { ...rest, ...values }
    const report = join(cwd, 'a.json')
    const result = await ran(user, ['run', ...flags, '--report', report, '--', ...COMMAND], { cwd, env })
    assert.deepEqual([result.status, result.stdout], [125, ''], result.stderr)
    return { command: reportIn(report).command, all: readFileSync(report, 'utf8') + result.stderr }
  }
  for (const [what, flags, env] of REFUSED)
    await t.test(what, async () => {
      const { command, all } = await refused(flags, env)
      assert.deepEqual(command, LEFT_OUT)
      assert.ok(!all.includes(TOKEN), all)
    })

  await t.test('what is said of a flag that holds the value itself has its name', async () => {
    const { command, all } = await refused([...ALLOWED, '--read', TOKEN], { TOKEN })
    assert.deepEqual(command, LEFT_OUT)
    assert.match(all, /"\[secret TOKEN\]" does not exist on this host/)
    assert.ok(!all.includes(TOKEN), all)
  })
  await t.test('control: once the value is known, all of the command is said but the value', async () => {
    const { command, all } = await refused(ALLOWED, { TOKEN })
    assert.deepEqual(command, ['curl', '-H', 'Authorization: Bearer [secret TOKEN]', COMMAND[3]])
    assert.ok(!all.includes(TOKEN), all)
  })
  await t.test('control: a run that has no credentials says what its command was', async () => {
    const { command } = await refused(['--memory', 'much'], {})
    assert.deepEqual(command, COMMAND)
  })
})
