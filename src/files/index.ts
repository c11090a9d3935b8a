export { filePlan, fileRequirements } from './requirements.js'
export { type InsidePath, insidePath, placeOf, type Placed } from './places.js'
export { matchesOutput, type OutputPattern, outputPattern } from './pattern.js'
export { badEntryName, type CollectBounds, TreeCheck, type TreeRefusal } from './tree.js'
