import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { testFolder } from '../support/checkout.js'
import { NO_SANITIZERS, sanitized } from './sanitized.js'

test("cell's SHA-256 is OpenSSL's, with the processor's instructions and without, and reads no byte too many", {
  skip: NO_SANITIZERS,
}, (t) => {
  const file = join(testFolder(t), 'bytes')
  const bytes = randomBytes(1_000_003)
  writeFileSync(file, bytes)
  const program = sanitized('sha256', ['test/native/sha256.c', 'native/common/sha256.c'])
  const lines = execFileSync(program, [file], { encoding: 'utf8' }).trim().split('\n')
  assert.equal(lines.length, 301)
  for (const line of lines) {
    const [length, quick, slow] = line.split(' ')
    const expected = createHash('sha256')
      .update(bytes.subarray(0, Number(length)))
      .digest('hex')
    assert.deepEqual([quick, slow], [expected, expected], `${length} bytes`)
  }
})
