/** The end of a test run says what did not run, and why; a run that only looks green fails. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const reporter = fileURLToPath(new URL('../../../scripts/test/reporter.mjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'glovebox-reporter-'))
after(() => rmSync(folder, { recursive: true }))

/** Runs one file with `body` for its tests, and gives the exit code and what follows Node's own report. */
function outcome(body: string, ...flags: string[]) {
  writeFileSync(join(folder, 'a.test.mjs'), `import { describe, test } from 'node:test'\n${body}`)
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const run = spawnSync(process.execPath, ['--test', `--test-reporter=${reporter}`, ...flags, 'a.test.mjs'], {
    cwd: folder,
    env,
    encoding: 'utf8',
  })
  return { status: run.status, end: run.stdout.slice(run.stdout.search(/\n(FAILED|NOT RUN|\d+ passed)/) + 1) }
}

const PASSES = `test('passes', () => {});`

test('a green run ends with its count', () => {
  assert.deepEqual(outcome(PASSES), { status: 0, end: '1 passed, 0 failed\n' })
})

test('skipped tests and suites are listed with their reasons', () => {
  const { status, end } = outcome(`${PASSES}
    test('needs docker', { skip: 'no docker here' }, () => {})
    test('unexplained', (t) => t.skip())
    describe('a group', { skip: 'not today' }, () => { test('inner', () => {}) })
    test('later', { todo: 'one day' }, () => {})`)
  assert.equal(status, 0)
  assert.equal(
    end,
    `NOT RUN: 4
  skipped: needs docker (a.test.mjs): no docker here
  skipped: unexplained (a.test.mjs): NO REASON GIVEN
  skipped: a group (a.test.mjs): not today
  to do: later (a.test.mjs): one day
1 passed, 0 failed
`,
  )
})

test('a failing test is named at the end, with what its error says and what was there', () => {
  const { status, end } = outcome(`import assert from 'node:assert'
    ${PASSES} test('fails', () => { throw new Error('oops\\nand why') })
    test('finds', () => { assert.deepEqual(['a'], [], 'what is left') })`)
  assert.equal(status, 1)
  const [first, oops, second, left, tally] = end.split('\n')
  assert.match(first ?? '', /^FAILED {2}a\.test\.mjs 3:\d+ fails$/)
  assert.equal(oops, '  oops and why')
  assert.match(second ?? '', /^FAILED {2}a\.test\.mjs 4:\d+ finds$/)
  assert.equal(left, "  what is left: [ 'a' ]")
  assert.equal(tally, '1 passed, 2 failed')
})

test('a file that runs no test fails, though Node reports it as passed', () => {
  assert.deepEqual(outcome(''), { status: 1, end: 'FAILED  a.test.mjs ran no test\n0 passed, 1 failed\n' })
})

test('a file that ends its process before its tests fails', () => {
  const { status } = outcome(`${PASSES} process.exit(0)`)
  assert.equal(status, 1)
})

test('a run of nothing but skips fails', () => {
  const { status, end } = outcome(`test('a', { skip: 'never' }, () => {})`)
  assert.equal(status, 1)
  assert.match(end, /\nFAILED {2}no test ran\n/)
})

test('tests left out by a name pattern are not counted as skipped', () => {
  const { status, end } = outcome(`${PASSES} test('other', () => {})`, '--test-name-pattern=passes')
  assert.deepEqual({ status, end }, { status: 0, end: '1 passed, 0 failed\n' })
})
