import { DEFAULTS } from '../policy/index.js'

export const host = DEFAULTS
