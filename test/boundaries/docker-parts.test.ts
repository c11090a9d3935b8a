/** Parts of a service on docker, killed with -9 while it works: a few; `npm run chaos -- 1000 --boundary docker` more. */
process.env.GLOVEBOX_TEST_BOUNDARY = 'docker'
process.env.GLOVEBOX_CHAOS_KILLS ??= '4'
await import('../chaos/parts-suite.js')
