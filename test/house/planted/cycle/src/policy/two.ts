import type { One } from './one.js'

export type Two = One | 2
