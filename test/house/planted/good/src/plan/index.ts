import { policy } from '../policy/index.js'

export const plan = policy
