import type { KnownEscape } from './escape.js'

/** None that an advisory of gVisor's could be found for. That is no proof that there is none. */
export const RUNSC_ESCAPES: readonly KnownEscape[] = []
