/** Some rows, and the claims that they are about; test/long/mutation-containers has all of both. */
await import('./mutation-containers-suite.js')
