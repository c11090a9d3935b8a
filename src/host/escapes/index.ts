export { BUBBLEWRAP_ESCAPES, OLDEST_BUBBLEWRAP } from './bubblewrap.js'
export { CONTAINERD_ESCAPES } from './containerd.js'
export { DOCKER_ESCAPES } from './docker.js'
export {
  type AffectedRange,
  type EscapeProgram,
  fixFor,
  isAffected,
  type Judged,
  judge,
  type KnownEscape,
  openFrom,
  type Program,
} from './escape.js'
export { QEMU_ESCAPES } from './qemu.js'
export { RUNC_ESCAPES } from './runc.js'
export { RUNSC_ESCAPES } from './runsc.js'
