/** A third wall, where the host offers it: a profile of AppArmor, or a domain of SELinux, for jobs. Pure. */
import type { HostFacts, SecurityModule } from '../../host/index.js'
import { type Answer, absent, enforcedBy } from '../../plan/index.js'
import { by } from '../answers/mechanisms.js'

/** As native/agent/agent.h numbers them. */
const NUMBER = { AppArmor: 1, SELinux: 2 } as const

export interface JobLabel {
  readonly module: number
  readonly text: string
}

/** What the job's program is executed under; `null`: whatever confines Glovebox itself. */
export function jobLabel({ securityModule: found }: HostFacts): JobLabel | null {
  return found !== null && 'label' in found ? { module: NUMBER[found.name], text: found.label } : null
}

const ENFORCED = {
  AppArmor: "AppArmor profile glovebox-job, from the job's exec on",
  SELinux: "SELinux domain glovebox_job_t, from the job's exec on",
} as const

const ABSENT: Readonly<
  Record<SecurityModule['name'], Readonly<Record<Exclude<SecurityModule['job'], 'loaded'>, string>>>
> = {
  AppArmor: {
    confined: 'An AppArmor profile confines Glovebox itself here, and the job with it.',
    permissive: 'AppArmor only logs what the profile glovebox-job forbids: `aa-enforce glovebox-job`.',
    notLoaded:
      'AppArmor runs here without the profile glovebox-job: install etc/apparmor.d/glovebox-job of this package, and `apparmor_parser -r` it.',
  },
  SELinux: {
    confined:
      'SELinux runs here, and the domain that Glovebox was started in may not enter glovebox_job_t, or may not ask: the job stays in that one.',
    permissive:
      'SELinux only logs what the domain glovebox_job_t forbids: `setenforce 1`, or `semanage permissive -d glovebox_job_t`.',
    notLoaded:
      'SELinux runs here without the domain glovebox_job_t: `semodule -i etc/selinux/glovebox_job.cil` of this package.',
  },
}

export function confinement({ securityModule: found }: HostFacts): Answer {
  if (found === null)
    return absent('This kernel runs without AppArmor or SELinux, or they are not to be seen here.')
  return found.job === 'loaded'
    ? enforcedBy(by(ENFORCED[found.name], 'security-module'))
    : absent(ABSENT[found.name][found.job])
}
