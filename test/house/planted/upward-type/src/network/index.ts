import type { Boundary } from '../boundary/index.js'

export type Plane = Boundary
