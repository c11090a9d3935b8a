/** Parts of a service on the process boundary, killed with -9 while it works. */
await import('./parts-suite.js')
