export { runc } from './runc/index.js'
