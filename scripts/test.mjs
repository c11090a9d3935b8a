/**
 * npm test [-- WORD… --FLAG…]: Node's test runner over dist/test. A word keeps the files whose path has it;
 * flags go to Node (`--test-name-pattern=…`). What takes minutes is in test/long, for `npm run test:long`.
 */
import { runTests } from './test/run.mjs'

await runTests('test', (file) => !file.startsWith('dist/test/long/'))
