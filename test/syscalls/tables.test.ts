import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { ARCHES, syscallNumbers } from '../../src/syscalls/table.js'
import { HAS_COMPILER, ROOT } from './tools.js'

test('the tables are what the kernel’s headers say today', { skip: !HAS_COMPILER && 'no C compiler' }, () => {
  execFileSync(process.execPath, [join(ROOT, 'scripts', 'syscall-tables.mjs'), '--check'])
})

test('the tables give the numbers that everybody knows', () => {
  const x64 = syscallNumbers('x64')
  const arm64 = syscallNumbers('arm64')
  assert.deepEqual(
    ['read', 'execve', 'ptrace', 'mount', 'openat', 'clone3'].map((name) => x64.get(name)),
    [0, 59, 101, 165, 257, 435],
  )
  assert.deepEqual(
    ['read', 'execve', 'ptrace', 'mount', 'openat', 'clone3'].map((name) => arm64.get(name)),
    [63, 221, 117, 40, 56, 435],
  )
})

test('each number has one name', () => {
  for (const arch of ARCHES) {
    const numbers = [...syscallNumbers(arch).values()]
    assert.equal(new Set(numbers).size, numbers.length)
    assert.deepEqual(
      numbers,
      [...numbers].sort((a, b) => a - b),
    )
  }
})
