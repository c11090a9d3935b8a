/** The machine's own kernel, as the parts of a plan that ask for facts about a host see it. Pure. */
import type { HostFacts } from '../../host/index.js'

/** `lsm=` of its command line names them: what is not there then is no part of the machine. */
export const SECURITY_MODULES = ['landlock', 'lockdown', 'yama'] as const

/** A host on which the job is the only one: cgroups of version 2, ids to give, nobody's profile. */
export function kernelFacts(host: HostFacts, release: string): HostFacts {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10))
  return {
    ...host,
    kernel: [major, minor],
    canTakeUids: true,
    canIdmap: true,
    securityModules: SECURITY_MODULES,
    securityModule: null,
    cgroups: { ...host.cgroups, version: 2, controllers: ['memory', 'pids', 'cpu'], missing: '' },
  }
}
