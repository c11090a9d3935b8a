import { boundaryNamed } from '../../src/boundary/index.js'
import { hostOf } from '../../src/sandbox/index.js'

/** Why gVisor can't be tried on this host; `null`: it can. */
export function gvisorLack(): string | null {
  return boundaryNamed('gvisor')?.unavailable(hostOf())?.what ?? null
}
