export { parse } from './policy/parse.js'
