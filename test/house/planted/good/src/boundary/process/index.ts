import { network } from '../../network/index.js'
import type { Boundary } from '../boundary.js'

export const jail = network
export type Jail = Boundary
