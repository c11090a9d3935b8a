export { matchesOutput, type OutputPattern, outputPattern } from './pattern.js'
export { type InsidePath, insidePath, type Placed, placeOf } from './places.js'
export { filePlan, fileRequirements, fileWarnings } from './requirements.js'
export { badEntryName, type CollectBounds, quotedPath, TreeCheck, type TreeRefusal } from './tree.js'
