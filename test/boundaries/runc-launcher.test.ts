/** On runc, a launcher killed while a container is started. */
process.env.GLOVEBOX_TEST_BOUNDARY = 'runc'
await import('./launcher-killed-suite.js')
