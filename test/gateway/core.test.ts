/** Where a crash of the gateway could write values to disk, it is given none. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { makePlaceholder } from '../../src/credentials/index.js'
import { LaunchError } from '../../src/errors/index.js'
import { type CoreFacts, coreBound } from '../../src/gateway/core.js'
import { GatewayProcess } from '../../src/gateway/gateway.js'
import { type CredentialIssue, hostRoots } from '../../src/gateway/index.js'
import { startProcess } from '../../src/gateway/start.js'
import { hostOf } from '../../src/sandbox/index.js'
import { grant, VALUE } from '../credentials/setting.js'
import { planOf, rule } from './setting.js'

const debian: CoreFacts = {
  prlimit: '/usr/bin/prlimit',
  shell: '/bin/sh',
  hardLimit: 'unlimited',
  pattern: 'core\n',
}
const handled = '|/usr/share/apport/apport %p\n'

const limitUnder = (words: readonly string[]) => {
  const [program = '', ...rest] = [...words, 'cat', '/proc/self/limits']
  return /^Max core file size\s+(\S+)\s+(\S+)/m
    .exec(execFileSync(program, rest, { encoding: 'utf8' }))
    ?.slice(1)
}

test('its limit is one byte: too little for a file, and what stops the program that a host has for dumps', () => {
  for (const pattern of ['core\n', handled]) {
    const { words, open } = coreBound({ ...debian, pattern })
    assert.equal(open, null)
    assert.deepEqual(limitUnder(words), ['1', '1'])
  }
})

test('without prlimit a shell sets a limit of 0, which is enough for files and not for a program', () => {
  const { words, open } = coreBound({ ...debian, prlimit: null })
  assert.equal(open, null)
  assert.deepEqual(limitUnder(words), ['0', '0'])
  assert.match(coreBound({ ...debian, prlimit: null, pattern: handled }).open ?? '', /no prlimit/)
})

test('a limit that stands already is left, and is enough or not as it is', () => {
  assert.deepEqual(coreBound({ ...debian, hardLimit: '0' }), { words: [], open: null })
  assert.match(coreBound({ ...debian, hardLimit: '0', pattern: handled }).open ?? '', /limit is 0 already/)
  assert.deepEqual(coreBound({ ...debian, hardLimit: '1', pattern: handled }), { words: [], open: null })
})

test('with nothing to set it with, no dump is bounded', () => {
  assert.match(coreBound({ ...debian, prlimit: null, shell: null }).open ?? '', /neither prlimit nor/)
})

const ISSUE: CredentialIssue = {
  grant: grant({ hosts: [{ name: 'good.test', port: 443 }] }),
  placeholder: makePlaceholder(),
  value: { kind: 'value', value: VALUE },
  livesMs: null,
}

test('one that a crash could write to disk is given no credential, and goes on with what has none', async () => {
  const { child, coreOpen } = startProcess(hostOf())
  assert.equal(coreOpen, null)
  const open = 'Because the test says so.'
  const gateway = new GatewayProcess(
    { child, coreOpen: open },
    () => ({ hosts: [], servers: [] }),
    () => [hostRoots()],
  )
  const plan = planOf([rule('good.test', { 443: 'tls' }, { inspect: true })])
  try {
    const refused = await gateway.reserve(plan)
    await assert.rejects(
      refused.attach([], [ISSUE]),
      (error) =>
        error instanceof LaunchError && error.code === 'gateway.coreDumps' && error.message.includes(open),
    )
    refused.release()
    const without = await gateway.reserve(plan)
    await (await without.attach([], [])).end()
  } finally {
    await gateway.close()
  }
})
