import { units } from '../units/index.js'

export const policy = units
export type Policy = 1
