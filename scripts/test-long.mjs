/** npm run test:long [-- WORD…]: the tests that take minutes, in test/long; otherwise as npm test. */
import { runTests } from './test/run.mjs'

await runTests('test:long', (file) => file.startsWith('dist/test/long/'))
