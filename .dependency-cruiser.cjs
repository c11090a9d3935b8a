/**
 * The house (CONTRIBUTING.md draws it): each folder of src/ stands on a floor and imports only from floors below
 * it, by the other folder's door (index.ts). Types count as imports. scripts/house.mjs runs this.
 */
const { FLOORS, NEIGHBOURS } = require('./scripts/house/floors.cjs')

/** What boundaries share; each of them is a room that knows no boundary. */
const SHARED = '(?:answers|agent|cell|root|oci)'

const inside = (folders) => `^src/(?:${folders.join('|')})/`

const forbidden = [
  ...FLOORS.slice(0, -1).map((folders, floor) => ({
    name: `upward-from-floor-${floor}`,
    comment: 'A folder imports only from floors below its own.',
    from: { path: inside(folders) },
    to: { path: [inside(FLOORS.slice(floor + 1).flat()), '^src/index\\.ts$'] },
  })),
  ...FLOORS.flat()
    .map((folder) => ({ folder, others: neighboursRefusedTo(folder) }))
    .filter(({ others }) => others.length > 0)
    .map(({ folder, others }) => ({
      name: `sideways-from-${folder}`,
      comment: 'A folder knows no other folder of its floor; what needs two is joined above.',
      from: { path: inside([folder]) },
      to: { path: inside(others) },
    })),
  {
    name: 'host-takes-types-only',
    comment: 'Facts about the machine do not depend on what a policy does.',
    from: { path: inside(['host']) },
    to: { path: inside(NEIGHBOURS.host), dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'floor-0-imports-nothing',
    from: { path: `^src/(${FLOORS[0].join('|')})/` },
    to: { pathNot: '^src/$1/' },
  },
  {
    name: 'nothing-imports-cli',
    from: { pathNot: '^src/cli/' },
    to: { path: '^src/cli/' },
  },
  {
    name: 'boundary-to-boundary',
    comment:
      'A boundary knows no other, and what they share knows none. A VMM is the one command of a process jail.',
    from: { path: '^src/boundary/([^/]+)/', pathNot: '^src/boundary/microvm/index\\.ts$' },
    to: { path: '^src/boundary/[^/]+/', pathNot: ['^src/boundary/$1/', `^src/boundary/${SHARED}/`] },
  },
  {
    name: 'microvm-to-boundary',
    comment: 'A VMM is the one command of a sandbox of the process boundary.',
    from: { path: '^src/boundary/microvm/index\\.ts$' },
    to: {
      path: '^src/boundary/[^/]+/',
      pathNot: ['^src/boundary/microvm/', '^src/boundary/process/index\\.ts$', `^src/boundary/${SHARED}/`],
    },
  },
  {
    name: 'side-door',
    comment: 'Other folders enter by index.ts.',
    from: { path: '^src/([^/]+)/' },
    to: { path: '^src/[^/]+/', pathNot: ['^src/$1/', '^src/[^/]+/index\\.ts$'] },
  },
  {
    name: 'side-door-of-the-library',
    comment: 'The library, benchmarks and examples enter by index.ts as well.',
    from: { path: '^(?:src/[^/]+|(?:bench|examples)/.+)$' },
    to: { path: '^src/[^/]+/', pathNot: '^src/[^/]+/index\\.ts$' },
  },
  {
    name: 'side-door-of-a-boundary',
    comment: 'The registry enters each boundary by its index.ts.',
    from: { path: '^src/boundary/[^/]+$' },
    to: {
      path: '^src/boundary/[^/]+/',
      pathNot: ['^src/boundary/[^/]+/index\\.ts$', `^src/boundary/${SHARED}/`],
    },
  },
  {
    name: 'no-cycle',
    comment: 'Not even of types: what two files need of each other is a third.',
    from: {},
    to: { circular: true },
  },
  {
    name: 'tests-stay-outside',
    from: { pathNot: '^test/' },
    to: { path: '^(?:dist/)?test/' },
  },
  {
    name: 'not-in-dependencies',
    comment: 'What runs at a user’s is in "dependencies" of package.json.',
    from: { path: '^src/' },
    to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'] },
  },
  {
    name: 'not-found',
    comment: 'Examples name the package as a user does; that its door exists is what running them shows.',
    from: {},
    to: { couldNotResolve: true, pathNot: '^glovebox$' },
  },
]

function neighboursRefusedTo(folder) {
  const floor = FLOORS.find((folders) => folders.includes(folder))
  const allowed = [folder, ...(NEIGHBOURS[folder] ?? [])]
  return floor.filter((other) => !allowed.includes(other))
}

module.exports = {
  forbidden: forbidden.map((rule) => ({ severity: 'error', ...rule })),
  options: {
    doNotFollow: { path: 'node_modules' },
    // sees `import type`, which the compiled code no longer has
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'] },
  },
}
