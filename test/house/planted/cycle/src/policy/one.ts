import type { Two } from './two.js'

export type One = Two | 1
