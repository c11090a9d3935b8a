/** A few runs on docker, half of them killed; test/long has a hundred. */
process.env.GLOVEBOX_TEST_BOUNDARY = 'docker'
await import('./nothing-left-suite.js')
