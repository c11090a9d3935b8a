/** What a boundary is made of, as far as those have to know who do more than start it. Pure. */
import type { BoundaryName } from '../policy/index.js'

/** A Docker Engine has to be looked for before there is a plan. */
export const isOfEngine = (name: BoundaryName): boolean => name === 'docker' || name === 'docker+runsc'

/** The job's system calls end in gVisor's sentry: its processes are none of this host's. */
export const hasOwnKernel = (name: BoundaryName): boolean => name === 'gvisor' || name === 'docker+runsc'
