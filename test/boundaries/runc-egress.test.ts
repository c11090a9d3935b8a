/** The gateway on runc: the same attacks by the network. */
process.env.GLOVEBOX_TEST_BOUNDARY = 'runc'
// `endings` lowers the limits of the process that starts sandboxes, which then starts a second launcher
for (const suite of ['budgets', 'neighbours', 'spellings', 'tunnels', 'upstreams'])
  await import(`../egress/${suite}.test.js`)
