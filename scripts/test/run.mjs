import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { Failure, filesBelow, root, runScript } from '../build/checkout.mjs'

/** Runs the test files that `wanted` accepts and the command line's words match. */
export const runTests = (name, wanted) =>
  runScript(name, () => {
    const args = process.argv.slice(2)
    const flags = args.filter((arg) => arg.startsWith('-'))
    const words = args.filter((arg) => !arg.startsWith('-'))
    const files = filesBelow('dist/test', (file) => file.endsWith('.test.js')).filter(
      (file) => wanted(file) && (words.length === 0 || words.some((word) => file.includes(word))),
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
