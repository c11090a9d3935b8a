export type { BoundaryName, Grant, Limits, Policy, Root, WaivableControl } from './policy.js'
export { BOUNDARIES, WAIVABLE } from './policy.js'
