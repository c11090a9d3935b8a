import { jail } from '../process/index.js'

export const runc = jail
