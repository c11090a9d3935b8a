import { parse } from '../policy/parse.js'

export const sandbox = parse
