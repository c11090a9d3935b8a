/** Whether a security module of this host has something to confine jobs by. Pure. */
import type { HostLook } from './looking.js'

export type SecurityModule =
  /** `label`: what a job's program is executed under; `permissive`: there the module logs what it would refuse */
  | { readonly name: ModuleName; readonly job: 'loaded' | 'permissive'; readonly label: string }
  /** `confined`: Glovebox itself is, and may not choose */
  | { readonly name: ModuleName; readonly job: 'notLoaded' | 'confined' }

type ModuleName = 'AppArmor' | 'SELinux'

/** `etc/apparmor.d/glovebox-job` */
const PROFILE = 'glovebox-job'
/** `etc/selinux/glovebox_job.cil` */
const DOMAIN = 'glovebox_job_t'

const PROFILES = '/sys/kernel/security/apparmor/policy/profiles'
const SELINUX = '/sys/fs/selinux'

/** `null`: neither runs, or can't be seen. The kernel runs at most one of the two. */
export function securityModule(look: HostLook): SecurityModule | null {
  const runs = (look.read('/sys/kernel/security/lsm') ?? '').trim().split(',')
  if (runs.includes('selinux')) return selinux(look)
  return runs.includes('apparmor') ? appArmor(look) : null
}

/** apparmor(7): a profile with flags=(unconfined) confines nothing. Loaded ones stand there as NAME.NUMBER. */
function appArmor(look: HostLook): SecurityModule {
  const own = look.read('/proc/self/attr/apparmor/current')?.trim() ?? ''
  if (!/^unconfined$|\(unconfined\)$/.test(own)) return { name: 'AppArmor', job: 'confined' }
  const loaded = look.list(PROFILES).find((name) => new RegExp(`^${PROFILE}\\.\\d+$`).test(name))
  if (loaded === undefined) return { name: 'AppArmor', job: 'notLoaded' }
  const mode = look.read(`${PROFILES}/${loaded}/mode`)?.trim()
  const refuses = mode === 'enforce' || mode === 'kill'
  return { name: 'AppArmor', job: refuses ? 'loaded' : 'permissive', label: PROFILE }
}

/**
 * What the policy allows is asked of the policy itself: which domains count as unconfined is its own matter, and a domain
 * that it does not know is no context to the kernel. (A question is no request: nothing is logged, or changed.)
 */
function selinux(look: HostLook): SecurityModule {
  const enforcing = look.read(`${SELINUX}/enforce`)?.trim()
  const own = (look.read('/proc/self/attr/current') ?? '').replace(/[\0\n]/g, '')
  const label = jobContext(own)
  if (enforcing === undefined || label === null) return { name: 'SELinux', job: 'confined' }
  const entered = access(look, own, label)
  const inside = access(look, label, label)
  if (entered === null || inside === null) {
    // no context: no policy knows the domain, or not for this user and role, as those of confined logins
    const services = label.replace(/^[^:]+:[^:]+/, 'system_u:system_r')
    const known = access(look, services, services) !== null
    return { name: 'SELinux', job: known ? 'confined' : 'notLoaded' }
  }
  if (!entered.transition) return { name: 'SELinux', job: 'confined' }
  return { name: 'SELinux', job: enforcing === '1' && !inside.permissive ? 'loaded' : 'permissive', label }
}

/** user:role:type, and with MLS or MCS :low-high, of which the job gets the low one, without categories. */
function jobContext(own: string): string | null {
  const [, userAndRole, level] = /^([^\s:]+:[^\s:]+):[^\s:]+(?::(s\d+)\S*)?$/.exec(own) ?? []
  if (userAndRole === undefined) return null
  return `${userAndRole}:${DOMAIN}${level === undefined ? '' : `:${level}`}`
}

/** SELINUX_AVD_FLAGS_PERMISSIVE of security/selinux/include/security.h */
const PERMISSIVE = 1

/** security_compute_av(3): the answer is `allowed decided auditallow auditdeny seqno flags`; `null`: not a context. */
function access(look: HostLook, source: string, target: string) {
  const number = (file: string) => Number(look.read(`${SELINUX}/class/process/${file}`) ?? Number.NaN)
  const answer = look.ask(`${SELINUX}/access`, `${source} ${target} ${number('index')}`)
  if (answer === null) return null
  const [allowed = '', , , , , flags = ''] = answer.trim().split(' ')
  const bit = 2 ** (number('perms/transition') - 1)
  return {
    transition: (Number.parseInt(allowed, 16) / bit) % 2 >= 1,
    permissive: (Number(flags) & PERMISSIVE) !== 0,
  }
}
