/** Imported first: the users of these suites run on gVisor, with the ids that it takes. */
process.env.GLOVEBOX_TEST_BOUNDARY = 'gvisor'
