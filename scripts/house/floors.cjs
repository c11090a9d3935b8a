/** The folders of src/, lowest floor first. src/index.ts, the library's face, stands with the last. */
const FLOORS = [
  ['units', 'errors', 'spelling', 'waiting'],
  ['policy', 'plan', 'host', 'report'],
  ['network', 'credentials', 'syscalls', 'files', 'limits', 'lifetime', 'identity'],
  ['boundary', 'gateway', 'images'],
  ['sandbox'],
  ['proof', 'server', 'audit'],
  ['cli'],
]

/** The only imports between folders of one floor. */
const NEIGHBOURS = { plan: ['policy'], host: ['policy', 'plan'], report: ['policy', 'plan'] }

module.exports = { FLOORS, NEIGHBOURS }
