export { Admission, type Asking, type Place } from './admission.js'
export { type ConcurrencyOptions, roomOf } from './options.js'
