export type { Boundary } from './boundary.js'
export { jail } from './process/index.js'
