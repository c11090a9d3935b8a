/** A few runs on gVisor, half of them killed; test/long has a hundred. */
process.env.GLOVEBOX_TEST_BOUNDARY = 'gvisor'
await import('./nothing-left-suite.js')
