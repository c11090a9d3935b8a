/**
 * npm test [-- WORD… --FLAG…]: Node's test runner over dist/test, without test/long. A word keeps the files whose path
 * has it; flags go to Node (`--test-name-pattern=…`).
 */
import { runScript } from './build/checkout.mjs'
import { runTests } from './test/run.mjs'

await runScript('test', () => runTests({ long: false }))
