/** A hundred runs a user on gVisor, fifty of them killed. */
process.env.GLOVEBOX_TEST_BOUNDARY = 'gvisor'
process.env.GLOVEBOX_LEFT_RUNS ??= '100'
await import('../boundaries/nothing-left-suite.js')
