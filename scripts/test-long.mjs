/**
 * npm run test:long [-- WORD… --FLAG…]: the tests of test/long, one file after another: those that take minutes, or
 * daemons and packages that npm test does not ask for. What is not installed is skipped, and listed at the end.
 */
import { runScript } from './build/checkout.mjs'
import { runTests } from './test/run.mjs'

await runScript('test:long', () => runTests({ long: true }))
