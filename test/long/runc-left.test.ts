/** A hundred runs a user on runc, fifty of them killed. */
process.env.GLOVEBOX_TEST_BOUNDARY = 'runc'
process.env.GLOVEBOX_LEFT_RUNS ??= '100'
await import('../boundaries/nothing-left-suite.js')
