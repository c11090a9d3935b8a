import type { Requirement } from '../plan/index.js'

/** This version grants no network at all, so there is one promise, and it is the widest. */
export function networkRequirements(): Requirement[] {
  return [
    {
      id: 'network.none',
      sentence:
        'The job has no network: no interface but a loopback that is down, no route, no address that answers.',
      family: 'network',
      applies: true,
    },
  ]
}
