/** Two hundred virtual machines a user, eight at a time, a hundred of them killed. */
process.env.GLOVEBOX_TEST_BOUNDARY = 'microvm'
process.env.GLOVEBOX_LEFT_RUNS ??= '200'
process.env.GLOVEBOX_LEFT_LANES ??= '8'
await import('../boundaries/nothing-left-suite.js')
