/**
 * npm test [-- WORD… --FLAG…]: Node's test runner over dist/test. A word keeps the files whose path has it;
 * flags go to Node (`--test-name-pattern=…`).
 */
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { Failure, filesBelow, root, runScript } from './build/checkout.mjs'

await runScript('test', () => {
  const args = process.argv.slice(2)
  const flags = args.filter((arg) => arg.startsWith('-'))
  const words = args.filter((arg) => !arg.startsWith('-'))
  const files = filesBelow('dist/test', (file) => file.endsWith('.test.js')).filter(
    (file) => words.length === 0 || words.some((word) => file.includes(word)),
  )
  if (files.length === 0)
    throw new Failure(`no test file matches ${words.join(' ') || 'dist/test/**/*.test.js'}.`)

  const { status, signal } = spawnSync(
    process.execPath,
    [
      '--test',
      `--test-concurrency=${availableParallelism()}`,
      '--test-reporter=./scripts/test/reporter.mjs',
      '--test-reporter-destination=stdout',
      ...flags,
      ...files,
    ],
    { cwd: root, stdio: 'inherit' },
  )
  if (signal !== null) throw new Failure(`Node's test runner was ended by ${signal}.`)
  return status
})
