/**
 * On which boundary a suite is. `GLOVEBOX_TEST_BOUNDARY=runc npm test -- run/` has the command line's suites on another than
 * the process boundary; test/boundaries/ does so for some in every run.
 */
export const TESTED_BOUNDARY = process.env.GLOVEBOX_TEST_BOUNDARY ?? 'process'

/** The root of its runs, where the boundary has no host's; absent: the host. */
export const TESTED_ROOT = process.env.GLOVEBOX_TEST_ROOT

/** Of `glovebox run`. */
export const ON_IT: readonly string[] =
  TESTED_BOUNDARY === 'process'
    ? []
    : ['--boundary', TESTED_BOUNDARY, ...(TESTED_ROOT === undefined ? [] : ['--root', TESTED_ROOT])]

/** Whose loopback is its own: what is tried there leaves nothing that anybody could write down, and what is refused one hop out is silent. */
export const HAS_OWN_STACK = TESTED_BOUNDARY === 'microvm'

/** Of a test's name. */
export const ON_BOUNDARY = TESTED_BOUNDARY === 'process' ? '' : ` on ${TESTED_BOUNDARY}`
