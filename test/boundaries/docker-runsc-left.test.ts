/** A few runs on docker+runsc, half of them killed; test/long has a hundred of docker. */
process.env.GLOVEBOX_TEST_BOUNDARY = 'docker+runsc'
await import('./nothing-left-suite.js')
