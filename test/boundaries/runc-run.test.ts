/** What the process boundary promises of a run, on runc: the same suites. */
process.env.GLOVEBOX_TEST_BOUNDARY = 'runc'
for (const suite of ['endings', 'leftovers', 'report', 'signals', 'streams', 'stubborn', 'weight'])
  await import(`../run/${suite}.test.js`)
