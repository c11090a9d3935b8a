/** Parts of a service on gvisor, killed with -9 while it works: a few; `npm run chaos -- 1000 --boundary gvisor` more. */
process.env.GLOVEBOX_TEST_BOUNDARY = 'gvisor'
process.env.GLOVEBOX_CHAOS_KILLS ??= '4'
await import('../chaos/parts-suite.js')
