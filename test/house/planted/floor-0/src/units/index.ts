import { readFileSync } from 'node:fs'

export const units = readFileSync
