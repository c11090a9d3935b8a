/** Root file systems: from archives and registries into a store, and which of them a name stands for. */
export { type DiskOptions, type DiskWork, imageDisk } from './disk.js'
export { type ImageWork, type ImportOptions, importImage } from './import.js'
export { chosen, type Platform, platformText, readConfig, readManifest, readPlatform } from './manifest.js'
export { type Fetch, type PullOptions, type PullWork, pullImage, type RegistryHost } from './pull.js'
export { storePlace } from './store/place.js'
export { ImageStore, type NamedImage, type StoredImage } from './store/store.js'
export { DEFAULT_LIMITS, full, type ImageLimits, type Tell } from './unpack.js'
