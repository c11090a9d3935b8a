/** What a job can't do from inside the process boundary, it can't on runc: the same attacks. */
process.env.GLOVEBOX_TEST_BOUNDARY = 'runc'
const INSIDE = [
  'calls',
  'compute',
  'cves',
  'doors',
  'engines',
  'files',
  'inherited',
  'lock',
  'machine',
  'modes',
  'network',
  'privileges',
  'processes',
  'stdio',
]
for (const suite of INSIDE) await import(`../inside/${suite}.test.js`)
for (const suite of ['grants', 'live']) await import(`../grants/${suite}.test.js`)
await import('../outputs/extractor.test.js')
await import('../roots/dir.test.js')
