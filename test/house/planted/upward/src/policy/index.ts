import { run } from '../sandbox/index.js'

export const policy = run
