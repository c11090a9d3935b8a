export { networkPlan, RESOLVER } from './plan.js'
export { networkRequirements } from './requirements.js'
