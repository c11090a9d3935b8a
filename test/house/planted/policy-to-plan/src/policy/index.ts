import type { Plan } from '../plan/index.js'

export type Policy = Plan
