import { lease } from '../credentials/index.js'

export const network = lease
