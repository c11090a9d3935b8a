export { run } from './sandbox/index.js'
