export { isCopied, requireKeepable, type WarmLimits, type WarmOptions, warmLimits } from './options.js'
export { Room } from './room.js'
export { surroundings } from './surroundings.js'
export { WarmSource } from './warm-source.js'
