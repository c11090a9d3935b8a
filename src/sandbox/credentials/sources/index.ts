export type { Whose } from './assume-role.js'
export { type FileStamp, isUnchanged, readSecretFile } from './file.js'
export { type Obtained, obtain, obtainAll } from './obtain.js'
export type { SourceWorld } from './world.js'
