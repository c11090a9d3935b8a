export { main, warm } from './main.js'
