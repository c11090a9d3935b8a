export { nearest } from './nearest.js'
export { matchesStarred } from './starred.js'
