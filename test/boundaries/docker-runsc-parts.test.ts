/** Parts of a service on docker+runsc, killed with -9 while it works: a few; `npm run chaos -- 1000 --boundary docker+runsc` more. */
process.env.GLOVEBOX_TEST_BOUNDARY = 'docker+runsc'
process.env.GLOVEBOX_CHAOS_KILLS ??= '4'
await import('../chaos/parts-suite.js')
