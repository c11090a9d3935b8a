/**
 * On which boundary a suite is. `GLOVEBOX_TEST_BOUNDARY=runc npm test -- run/` has the command line's suites on another than
 * the process boundary; test/boundaries/ does so for some in every run.
 */
export const TESTED_BOUNDARY = process.env.GLOVEBOX_TEST_BOUNDARY ?? 'process'

/** Of a test's name. */
export const ON_BOUNDARY = TESTED_BOUNDARY === 'process' ? '' : ` on ${TESTED_BOUNDARY}`
