import type { SandboxEnd } from '../boundary/index.js'

/** The end of a sandbox that there never was. */
export const NEVER_LAUNCHED: SandboxEnd = {
  outOfMemory: false,
  cpuMs: 0,
  peakMemoryBytes: 0,
  forkRefusals: null,
  observed: [],
  datagrams: [],
  datagramsOmitted: 0,
  launchFailure: null,
  lost: null,
}
