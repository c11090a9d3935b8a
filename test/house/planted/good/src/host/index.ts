import { readFileSync } from 'node:fs'
import type { Policy } from '../policy/index.js'

export const host = readFileSync
export type Host = Policy
