/** Node's test runner over compiled test files; words keep the files whose path has one, flags go to Node. */
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { Failure, filesBelow, root } from '../build/checkout.mjs'

const LONG = 'dist/test/long/'

/** Exit code of the run. `long`: only the files that npm test leaves out, one after another. */
export function runTests({ long }) {
  const args = process.argv.slice(2)
  const flags = args.filter((arg) => arg.startsWith('-'))
  const words = args.filter((arg) => !arg.startsWith('-'))
  const files = filesBelow('dist/test', (file) => file.endsWith('.test.js'))
    .filter((file) => file.includes(LONG) === long)
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  const where = long ? LONG : 'dist/test/'
  if (files.length === 0)
    throw new Failure(`no test file matches ${words.join(' ') || `${where}**/*.test.js`}.`)

  const { status, signal } = spawnSync(
    process.execPath,
    [
      '--test',
      `--test-concurrency=${long ? 1 : availableParallelism()}`,
      '--test-reporter=./scripts/test/reporter.mjs',
      '--test-reporter-destination=stdout',
      ...flags,
      ...files,
    ],
    { cwd: root, stdio: 'inherit' },
  )
  if (signal !== null) throw new Failure(`Node's test runner was ended by ${signal}.`)
  return status
}
