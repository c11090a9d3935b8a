export { type Comparison, comparison, comparisonText, type Side } from './comparison.js'
export { type Change, type Difference, widens } from './difference.js'
export { comparePlans } from './plans.js'
