export { argv } from './process/argv.js'
