/** The report: every field of the contract, for every ending, with exactly one reason. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { Glovebox, type Policy, parsePolicy, type Report, type RunOptions } from '../../src/index.js'
import { policySha256 } from '../../src/policy/index.js'
import { USERS } from '../support/users.js'

const [user] = USERS
const canLimitMemory = user?.noMemoryLimit === null
const waive = canLimitMemory ? [] : ['limits.memory']
const policyOf = (extra: object = {}): Policy => parsePolicy({ version: 1, waive, ...extra })
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

const FIELDS = [
  ...[
    'version',
    'id',
    'tenant',
    'startedAt',
    'policySha256',
    'boundary',
    'root',
    'sandbox',
    'command',
    'result',
    'usage',
  ],
  ...['network', 'networkOmitted', 'credentials', 'claims', 'inputs', 'outputs', 'waivers'],
]

function assertWhole(report: Report): void {
  assert.deepEqual(Object.keys(report).sort(), [...FIELDS].sort())
  assert.equal(report.version, 1)
  assert.match(report.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.match(report.startedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.ok(Math.abs(Date.now() - Date.parse(report.startedAt)) < 120_000)
  assert.equal(report.boundary, 'process')
  assert.deepEqual([report.network, report.credentials], [[], []])
  assert.deepEqual(report.waivers, waive)
  assert.ok(report.claims.length > 20)
  for (const { id, status, by } of report.claims) {
    assert.match(id, /^[a-z]+\.[a-z-]+$/)
    assert.ok(['enforced', 'waived', 'notApplicable'].includes(status), `${id} is ${status} and yet it ran`)
    assert.equal(by.length > 0, status === 'enforced', id)
  }
  assert.deepEqual(Object.keys(report.usage).sort(), [
    'cpuMs',
    'peakMemoryBytes',
    'queueMs',
    'startMs',
    'stderrBytes',
    'stdoutBytes',
    'wallMs',
  ])
  for (const [name, value] of Object.entries(report.usage))
    assert.ok(Number.isFinite(value) && value >= 0, `${name} is ${value}`)
  assert.ok(report.usage.startMs <= report.usage.wallMs)
  assert.deepEqual(JSON.parse(JSON.stringify(report)), report, 'it is not plain data')
}

interface Ending {
  readonly policy?: object
  readonly argv: readonly string[]
  readonly options?: RunOptions
  readonly result: readonly [reason: string, exitCode: number, signal: string | null]
  readonly message: RegExp | null
}

const ENDINGS: Readonly<Record<string, Ending>> = {
  'exit 0': { argv: ['true'], result: ['exited', 0, null], message: null },
  'exit 255': { argv: ['sh', '-c', 'exit 255'], result: ['exited', 255, null], message: null },
  signal: { argv: ['sh', '-c', 'kill -SEGV $$'], result: ['signal', 139, 'SIGSEGV'], message: null },
  deadline: {
    policy: { lifetime: { deadline: '200ms' } },
    argv: ['sleep', '50'],
    result: ['deadline', 124, null],
    message: /deadline of 200ms/,
  },
  'no output': {
    policy: { lifetime: { noOutput: '200ms' } },
    argv: ['sleep', '50'],
    result: ['noOutput', 124, null],
    message: /200ms without output/,
  },
  output: {
    policy: { limits: { output: '1KiB' } },
    argv: ['yes'],
    result: ['output', 125, null],
    message: /more than 1KiB/,
  },
  cancelled: {
    argv: ['sleep', '50'],
    options: { signal: AbortSignal.timeout(150) },
    result: ['cancelled', 143, null],
    message: /cancelled/,
  },
  rejected: {
    argv: ['ln', '-s', '/etc/passwd', 'planted'],
    options: { outputs: ['planted'] },
    result: ['rejected', 125, null],
    message: /symbolic link/,
  },
  'not found': { argv: ['no-such-command'], result: ['failed', 127, null], message: /not in the sandbox/ },
  'not executable': { argv: ['/etc/passwd'], result: ['failed', 126, null], message: /EACCES/ },
}

describe('the report', { skip: user?.skip ?? false }, () => {
  let glovebox: Glovebox
  before(async () => {
    glovebox = await Glovebox.start()
  })
  after(() => glovebox.close())

  for (const [name, ending] of Object.entries(ENDINGS))
    test(`of ${name}`, async () => {
      const policy = policyOf(ending.policy)
      const { report, ...result } = await glovebox.run(policy, ending.argv, {
        tenant: 'acme',
        ...ending.options,
      })
      assertWhole(report)
      const { reason, exitCode, signal, message } = report.result
      assert.deepEqual([reason, exitCode, signal], ending.result)
      if (ending.message === null) assert.equal(message, null)
      else assert.match(message ?? '', ending.message)
      assert.deepEqual(
        [result.reason, result.exitCode, result.signal, result.message],
        [reason, exitCode, signal, message],
      )
      assert.deepEqual(report.command, ending.argv)
      assert.equal(report.tenant, 'acme')
      assert.equal(report.policySha256, policySha256(policy))
      if (reason !== 'exited') assert.deepEqual(report.outputs, [])
    })

  test('of memory', {
    skip: !canLimitMemory && `limits.memory can't be held here: ${user?.noMemoryLimit}`,
  }, async () => {
    const policy = policyOf({ limits: { memory: '64MiB' } })
    const { report } = await glovebox.run(policy, [
      'sh',
      '-c',
      '(python3 -c "x = bytearray(200 << 20)"); exit 0',
    ])
    assertWhole(report)
    assert.deepEqual(
      [report.result.reason, report.result.exitCode, report.result.signal],
      ['memory', 137, null],
    )
  })

  test('inputs and outputs with their path inside, bytes and sha256', async () => {
    const { report } = await glovebox.run(
      PLAIN,
      ['sh', '-c', 'tr a-z A-Z < in > out; mkdir d; echo x > d/x'],
      {
        inputs: { in: Buffer.from('text'), '/tmp/empty': new Uint8Array() },
        outputs: ['out', 'd/**'],
      },
    )
    assert.deepEqual(report.inputs, [
      { path: '/job/in', bytes: 4, sha256: sha256('text') },
      { path: '/tmp/empty', bytes: 0, sha256: sha256('') },
    ])
    assert.deepEqual(report.outputs, [
      { path: '/job/out', bytes: 4, sha256: sha256('TEXT') },
      { path: '/job/d/x', bytes: 2, sha256: sha256('x\n') },
    ])
  })

  test('usage: CPU time, peak memory and bytes are about what the job used', async () => {
    const burn =
      'import time, sys\nx = bytearray(50 << 20)\nwhile time.process_time() < 0.3: pass\nsys.stdout.write("o" * 1000); sys.stderr.write("e" * 10)'
    const { report } = await glovebox.run(PLAIN, ['python3', '-c', burn])
    const { usage } = report
    assert.ok(usage.cpuMs >= 300 && usage.cpuMs <= usage.wallMs * 2, JSON.stringify(usage))
    assert.ok(usage.peakMemoryBytes >= 50 << 20 && usage.peakMemoryBytes <= 256 << 20, JSON.stringify(usage))
    assert.deepEqual([usage.stdoutBytes, usage.stderrBytes], [1000, 10])
    const sleeper = await glovebox.run(PLAIN, ['sleep', '0.3'])
    assert.ok(sleeper.report.usage.wallMs >= 300)
    assert.ok(sleeper.report.usage.cpuMs < 300)
  })

  test('no tenant is null; the id is new each time', async () => {
    const [one, two] = await Promise.all([glovebox.run(PLAIN, ['true']), glovebox.run(PLAIN, ['true'])])
    assert.equal(one.report.tenant, null)
    assert.notEqual(one.report.id, two.report.id)
  })

  const PLAIN = policyOf()
})
