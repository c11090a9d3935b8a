import { parse } from 'yaml'
import { jail } from '../boundary/index.js'
import { policy } from '../policy/index.js'

export const run = [parse, jail, policy]
