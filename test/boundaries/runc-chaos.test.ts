/** One process of a run on runc killed with -9 at some moment of its life: of runc's start too. */
process.env.GLOVEBOX_TEST_BOUNDARY = 'runc'
process.env.GLOVEBOX_CHAOS_KILLS ??= '25'
await import('../chaos/chaos.test.js')
