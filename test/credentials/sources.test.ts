/** Where values are from: variables, files, programs. What goes wrong is said without the value, and nothing starts. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs, {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { CredentialError } from '../../src/errors/index.js'
import type { CredentialPolicy } from '../../src/policy/index.js'
import {
  isUnchanged,
  obtain,
  obtainAll,
  readSecretFile,
} from '../../src/sandbox/credentials/sources/index.js'
import { folder } from '../policy/harness.js'
import { AWS, grant, VALUE } from './setting.js'
import { WHOSE, world } from './world.js'

const of = (source: CredentialPolicy['source'], use?: CredentialPolicy['use']): CredentialPolicy => ({
  ...grant(use === undefined ? {} : { use }),
  source,
})

async function text(
  credential: CredentialPolicy,
  more: Parameters<typeof world>[0] = {},
): Promise<string | null> {
  const { material } = await obtain(credential, WHOSE, world(more))
  return material.kind === 'value'
    ? material.value.reveal()
    : `${material.keys.accessKeyId}:${material.keys.secret.reveal()}`
}

async function refused(action: () => Promise<unknown> | unknown, expected: RegExp): Promise<void> {
  try {
    await action()
  } catch (error) {
    assert.ok(error instanceof CredentialError, String(error))
    assert.match(error.message, expected)
    assert.ok(!error.message.includes(VALUE) && !(error.stack ?? '').includes(VALUE), 'holds the value')
    return
  }
  assert.fail('was accepted')
}

function refusedAtOnce(action: () => unknown, expected: RegExp): void {
  assert.throws(
    action,
    (error) =>
      error instanceof CredentialError && expected.test(error.message) && !error.message.includes(VALUE),
  )
}

describe('the caller and the environment', () => {
  test('give the value by name', async () => {
    assert.equal(await text(of({ kind: 'caller' }), { secrets: { TOKEN: VALUE } }), VALUE)
    assert.equal(await text(of({ kind: 'env', variable: 'X' }), { env: { X: VALUE } }), VALUE)
    const use = { kind: 'aws-sigv4', region: 'r', service: 's3', presigned: false } as const
    const env = { MY_ACCESS_KEY_ID: AWS.accessKeyId, MY_SECRET_ACCESS_KEY: AWS.secret, MY_SESSION_TOKEN: '' }
    assert.equal(
      await text(of({ kind: 'env', variable: 'MY' }, use), { env }),
      `${AWS.accessKeyId}:${AWS.secret}`,
    )
  })

  test('without it, nothing starts', async () => {
    await refused(
      () => text(of({ kind: 'caller' })),
      /no value was given for credentials\.TOKEN\. Give it with the run/,
    )
    await refused(() => text(of({ kind: 'env', variable: 'X' })), /the variable X is not set\./)
    await refused(
      () => text(of({ kind: 'env', variable: 'X' }), { env: { X: '' } }),
      /the variable X gave an empty value\./,
    )
    await refused(
      () => text(of({ kind: 'env', variable: 'X' }), { env: { X: `${VALUE}\n${VALUE}` } }),
      /gave more than one line\./,
    )
    await refused(() => text(of({ kind: 'env', variable: 'toString' })), /is not set/)
  })
})

describe('a pair for Basic', () => {
  const pair = of({ kind: 'env', variable: 'X' }, { kind: 'basic', user: null })
  const named = of({ kind: 'env', variable: 'X' }, { kind: 'basic', user: 'alice' })
  const give = (credential: CredentialPolicy, X: string) => () => text(credential, { env: { X } })

  test('is user and password; where the policy says the user, any value', async () => {
    for (const value of [`alice:${VALUE}`, `:${VALUE}`, `alice:${VALUE}:more`])
      assert.equal(await give(pair, value)(), value)
    assert.equal(await give(named, VALUE)(), VALUE)
  })

  test('without a colon, or with a password that nobody could look for, it is refused in a sentence without it', async () => {
    await refused(
      give(pair, VALUE),
      /the variable X gave a value without a colon, .* Let it give the pair, or/,
    )
    for (const password of ['', 'pw-4eC3', `${VALUE} `.slice(0, 7)])
      await refused(
        give(pair, `a-long-user-name:${password}`),
        /and for the password it gave (fewer than 8 characters|an empty value)/,
      )
    await refused(give(pair, `alice: ${VALUE}`), /and for the password it gave a value with spaces around/)
    try {
      await give(pair, 'a-long-user-name:pw-4eC3')()
    } catch (error) {
      assert.ok(!String(error).includes('pw-4eC3') && !String(error).includes('a-long-user-name'))
    }
  })
})

describe('a file', () => {
  const file = (t: TestContext, content = `${VALUE}\n`) => {
    const path = join(folder(t), 'token')
    writeFileSync(path, content, { mode: 0o600 })
    return path
  }
  const source = (path: string, shared = false) => of({ kind: 'file', path, shared })

  test('gives its one line', async (t) => {
    assert.equal(await text(source(file(t))), VALUE)
  })

  test('that others can read is refused unless the policy says so; that they can write, always', async (t) => {
    const path = file(t)
    for (const mode of [0o640, 0o604]) {
      chmodSync(path, mode)
      await refused(() => text(source(path)), /can be read by others\. chmod 600 it, or write `shared: true`/)
      assert.equal(await text(source(path, true)), VALUE)
    }
    chmodSync(path, 0o620)
    await refused(() => text(source(path, true)), /can be written by others/)
  })

  test('of another user is refused', {
    skip: process.geteuid?.() !== 0 && 'only root can give a file away',
  }, async (t) => {
    const path = file(t)
    chownSync(path, 65_534, 65_534)
    await refused(() => text(source(path)), /belongs to another user/)
  })

  test('a link, a fifo, a folder, a missing or a huge file is refused', async (t) => {
    const path = file(t)
    symlinkSync(path, `${path}.link`)
    await refused(() => text(source(`${path}.link`)), /is a symbolic link/)
    execFileSync('mkfifo', ['-m', '600', `${path}.fifo`])
    await refused(() => text(source(`${path}.fifo`)), /is not a plain file/)
    await refused(() => text(source(join(path, '..'))), /is not a plain file/)
    await refused(() => text(source(`${path}.none`)), /cannot be read \(ENOENT\)/)
    writeFileSync(path, 'x'.repeat(70_000))
    await refused(() => text(source(path)), /has more than 65536 bytes/)
  })

  test('that changes while it is read is refused', (t) => {
    const path = file(t)
    assert.equal(readSecretFile(path, false).text, `${VALUE}\n`, 'control')
    const { readSync } = fs
    const between = t.mock.method(fs, 'readSync', (...all: Parameters<typeof readSync>) => {
      // by another descriptor, once the first bytes are read
      const got = readSync(...all)
      if (between.mock.callCount() === 0) appendFileSync(path, `${VALUE}\n`)
      return got
    })
    syncBuiltinESMExports()
    try {
      refusedAtOnce(
        () => readSecretFile(path, false),
        /changed while it was read\. Write a new file and rename it/,
      )
    } finally {
      between.mock.restore()
      syncBuiltinESMExports()
    }
    assert.equal(readSecretFile(path, false).text, `${VALUE}\n${VALUE}\n`)
  })

  test('replaced while it is used is noticed, and read anew', async (t) => {
    const path = file(t)
    const { stamp } = readSecretFile(path, false)
    assert.equal(isUnchanged(path, stamp), true)
    writeFileSync(`${path}.new`, `${VALUE}-2`, { mode: 0o600 })
    renameSync(`${path}.new`, path)
    assert.equal(isUnchanged(path, stamp), false)
    assert.equal(readSecretFile(path, false).text, `${VALUE}-2`)
    renameSync(path, `${path}.old`)
    assert.equal(isUnchanged(path, stamp), false)
  })
})

describe('a command', () => {
  const sh = (script: string, timeoutMs = 30_000) =>
    of({ kind: 'command', argv: ['/bin/sh', '-c', script], timeoutMs })

  test('prints the value, with nothing of the environment but PATH and HOME', async () => {
    assert.equal(await text(sh(`printf '%s\\n' ${VALUE}`), { env: { SECRET: 'x', HOME: '/h' } }), VALUE)
    const seen = await text(of({ kind: 'command', argv: ['/usr/bin/env', '-0'], timeoutMs: 30_000 }), {
      env: { SECRET: 'x' },
    }).catch(String)
    assert.match(String(seen), /characters beyond visible ASCII/)
    assert.equal(
      await text(sh('env | sort | cut -d= -f1 | grep -v _ | tr "\\n" ,'), {
        env: { SECRET: 'x', PATH: '/usr/bin:/bin' },
      }),
      'HOME,PATH,PWD,'.replace(/,$/, ','),
    )
  })

  test('that fails, is not there or prints nothing is refused, and what it said is not repeated', async () => {
    await refused(
      () => text(of({ kind: 'command', argv: ['/bin/false'], timeoutMs: 9000 })),
      /the command \/bin\/false failed with exit code 1\./,
    )
    await refused(() => text(sh(`echo ${VALUE}; echo ${VALUE} >&2; exit 3`)), /failed with exit code 3\./)
    await refused(
      () => text(of({ kind: 'command', argv: ['/nonexistent.invalid'], timeoutMs: 9000 })),
      /cannot be run \(ENOENT\)/,
    )
    await refused(
      () => text(of({ kind: 'command', argv: ['/bin/true'], timeoutMs: 9000 })),
      /gave an empty value/,
    )
    await refused(() => text(sh(`echo ${VALUE}; echo ${VALUE}`)), /gave more than one line/)
  })

  test('that hangs is killed, and all that it started', async (t) => {
    const pids = join(folder(t), 'pids')
    await refused(
      () => text(sh(`sleep 600 & echo $! > ${pids}; echo $$ >> ${pids}; wait`, 500)),
      /did not end within 500 ms/,
    )
    await gone(readFileSync(pids, 'utf8').trim().split('\n'))
  })

  test('that ends and leaves something running is not waited for, and that is killed', async (t) => {
    const pids = join(folder(t), 'pids')
    assert.equal(await text(sh(`sleep 600 >/dev/null & echo $! > ${pids}; echo ${VALUE}`)), VALUE)
    await gone(readFileSync(pids, 'utf8').trim().split('\n'))
  })

  test('that prints without end is killed', async () => {
    await refused(
      () => text(of({ kind: 'command', argv: ['/usr/bin/yes', VALUE], timeoutMs: 30_000 })),
      /printed more than 65536 bytes/,
    )
  })

  test('is ended when nobody waits for it any more', async () => {
    await refused(() => text(sh('sleep 600'), { signal: AbortSignal.timeout(200) }), /was not waited for/)
  })
})

/** A killed process is gone, or waits as a zombie for a parent that is pid 1. */
async function gone(pids: readonly string[]): Promise<void> {
  const runs = (pid: string) =>
    existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  for (let tries = 0; pids.some(runs) && tries < 200; tries++) await wait(50)
  assert.deepEqual(pids.filter(runs), [])
}

test('when one of several can not be had, nothing is kept', async () => {
  const all = [of({ kind: 'caller' }), { ...of({ kind: 'env', variable: 'NONE' }), name: 'B' }]
  await refused(
    () => obtainAll(all, WHOSE, () => world({ secrets: { TOKEN: VALUE } })),
    /the variable NONE is not set/,
  )
})
