/** What leaves a mechanism off is for tests alone: what ships holds no trace of it, and starts nothing that was told to. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { MECHANISMS } from '../../src/boundary/answers/mechanisms.js'
import { nativePrograms } from '../../src/boundary/index.js'
import { parsePolicy } from '../../src/policy/index.js'
import { hostOf, PlanRunner, planOf } from '../../src/sandbox/index.js'
import { ROOT } from '../support/checkout.js'

const MUTABLE = join(ROOT, 'dist/mutable')
const CELL = nativePrograms().cell
const AGENT = nativePrograms().agent
const mutable = (name: string) => join(MUTABLE, 'native', process.arch, name)

before(() => {
  const built = spawnSync(process.execPath, [join(ROOT, 'scripts/build.mjs'), 'mutable'], {
    encoding: 'utf8',
  })
  assert.equal(built.status, 0, built.stderr)
})

/** What `WALL` and `held` are asked in the sources below a folder. */
function asked(folder: string, question: RegExp): string[] {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
  const texts = files
    .filter((file) => /\.(c|ts)$/.test(file))
    .map((file) => readFileSync(join(ROOT, folder, file), 'utf8'))
  return [...new Set(texts.flatMap((text) => [...text.matchAll(question)].map(([, id = '']) => id)))]
}

const OF_PROGRAMS = asked('native', /\bWALL\("([^"]+)"\)/g).filter((id) => id !== 'id')
const OF_GATEWAY = [
  ...asked('src/gateway', /\bheld\('([^']+)'\)/g),
  ...asked('src/network', /\bheld\('([^']+)'\)/g),
  ...asked('src/credentials', /\bheld\('([^']+)'\)/g),
]
/** The first string of a section stands behind anything. */
const has = (files: readonly string[], text: string) =>
  files.some((file) => readFileSync(file, 'latin1').includes(`${text}\0`))

const FIRST = ['--unshare-pid', '--as-pid-1', '--ro-bind', '/', '/', '--']

function noNamespace(): string | false {
  return spawnSync('bwrap', [...FIRST, 'true']).status === 0 ? false : 'this user can make no namespaces'
}

describe('what ships', () => {
  test('asks only for mechanisms that there are', () => {
    assert.ok(OF_PROGRAMS.length > 15 && OF_GATEWAY.length > 4)
    for (const id of [...OF_PROGRAMS, ...OF_GATEWAY]) assert.ok(Object.hasOwn(MECHANISMS, id), id)
  })

  test('has no trace of a mechanism that could be left off; the programs of the tests have', () => {
    const [shipped, tests] = [
      [CELL, AGENT],
      [mutable('cell'), mutable('agent')],
    ]
    for (const id of [...OF_PROGRAMS, '--without'])
      assert.deepEqual([id, has(shipped, id), has(tests, id)], [id, false, true])
    const [gateway, testGateway] = [join(ROOT, 'dist/gateway'), join(MUTABLE, 'gateway')].map((folder) =>
      readFileSync(join(folder, 'main.cjs'), 'utf8'),
    )
    for (const id of [...OF_GATEWAY, 'GLOVEBOX_WITHOUT'])
      assert.deepEqual([id, gateway?.includes(id), testGateway?.includes(id)], [id, false, true])
  })

  test('is in no package together with what could be', () => {
    const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { files: string[] }
    assert.ok(!files.some((pattern) => /^(dist|dist\/\*.*|dist\/mutable.*)$/.test(pattern)))
    assert.ok(files.includes('!native/mutable'))
  })

  test('does not start when it is told to leave something off', async () => {
    const told = ['--without', 'agent-not-dumpable']
    const cell = spawnSync(CELL, told, { encoding: 'utf8' })
    assert.deepEqual([cell.status, cell.stderr.includes('usage')], [2, true])
    assert.equal(spawnSync(AGENT, told, { encoding: 'utf8' }).status, 2)

    const host = hostOf()
    const waive = host.cgroups.controllers.includes('memory') ? [] : ['limits.memory']
    const plan = planOf(parsePolicy({ version: 1, waive }), host)
    const leftOff = { mechanisms: new Set(['agent-not-dumpable']), builds: join(ROOT, 'dist') }
    const runner = new PlanRunner(host, plan, { without: leftOff })
    await assert.rejects(runner.run(plan, ['/bin/true']), /usage: cell/)
    await runner.close()
  })

  test('as the first process of a sandbox, the agent refuses to be told', { skip: noNamespace() }, () => {
    const started = (agent: string) =>
      spawnSync('bwrap', [...FIRST, agent, '--without', 'agent-not-dumpable'])
    assert.equal(started(AGENT).status, 2)
    // the other goes on to its control socket, which is not there
    assert.equal(started(mutable('agent')).status, 0)
  })
})
