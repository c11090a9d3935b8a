/** A few runs on runc, half of them killed; test/long has a hundred. */
process.env.GLOVEBOX_TEST_BOUNDARY = 'runc'
await import('./nothing-left-suite.js')
