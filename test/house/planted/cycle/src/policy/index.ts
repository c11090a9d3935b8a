export type { One } from './one.js'
