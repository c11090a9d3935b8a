import { run } from '../sandbox/index.js'

export const main = run
