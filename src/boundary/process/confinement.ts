/** A third wall, where the host offers it: a profile of its security module for jobs. Pure. */
import type { HostFacts } from '../../host/index.js'
import { type Answer, absent, enforcedBy } from '../../plan/index.js'

/** `etc/apparmor.d/glovebox-job` */
const JOB_PROFILE = 'glovebox-job'

/** What the job's program is executed under; `null`: whatever confines Glovebox itself. */
export function jobProfile(host: HostFacts): string | null {
  return host.appArmor === 'jobProfile' ? JOB_PROFILE : null
}

export function confinement({ appArmor, securityModules }: HostFacts): Answer {
  switch (appArmor) {
    case 'jobProfile':
      return enforcedBy(`AppArmor profile ${JOB_PROFILE}, from the job's exec on`)
    case 'confined':
      return absent('An AppArmor profile confines Glovebox itself here, and the job with it.')
    case 'noJobProfile':
      return absent(
        `AppArmor runs here without the profile ${JOB_PROFILE}: install etc/apparmor.d/${JOB_PROFILE} of this package, and \`apparmor_parser -r\` it.`,
      )
    case null:
      return securityModules?.includes('selinux') === true
        ? absent('SELinux runs here: the job stays in the domain that Glovebox was started in.')
        : absent('This kernel runs without AppArmor, or it is not to be seen here.')
  }
}
