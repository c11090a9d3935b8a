/** A few virtual machines, half of them killed; test/long has two hundred. */
process.env.GLOVEBOX_TEST_BOUNDARY = 'microvm'
await import('./nothing-left-suite.js')
