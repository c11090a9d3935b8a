import { plan } from '../plan/index.js'

export const network = plan
