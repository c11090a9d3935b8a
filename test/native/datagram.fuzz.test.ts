import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { NO_SANITIZERS, sanitized } from './sanitized.js'

const SECONDS = Number(process.env.GLOVEBOX_FUZZ_SECONDS ?? 1)

test('the launcher counts refused datagrams, and reads not one byte too many, whatever a job sent', {
  skip: NO_SANITIZERS,
}, () => {
  const program = sanitized('datagram-fuzz', ['test/native/datagram-fuzz.c', 'native/cell/datagram.c'])
  const seed = `${Math.floor(Math.random() * 2 ** 48)}`
  const { status, stdout, stderr } = spawnSync(program, [seed, `${SECONDS}`], { encoding: 'utf8' })
  assert.equal(status, 0, `seed ${seed}: ${stderr}`)
  const [counted = 0, ignored = 0] = stdout.match(/\d+/g)?.map(Number) ?? []
  assert.ok(counted > 50 && ignored > 50, `both ways are gone: ${stdout}`)
})
