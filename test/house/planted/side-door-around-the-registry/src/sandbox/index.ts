import { process } from '../boundary/process/index.js'

export const sandbox = process
