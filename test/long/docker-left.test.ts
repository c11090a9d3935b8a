/** A hundred runs a user on docker, fifty of them killed. */
process.env.GLOVEBOX_TEST_BOUNDARY = 'docker'
process.env.GLOVEBOX_LEFT_RUNS ??= '100'
await import('../boundaries/nothing-left-suite.js')
