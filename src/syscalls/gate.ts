import { compileFilter } from './compile.js'
import { defaultProfile } from './profile-default.js'
import { ALLOW, ASK, allowOnlyIf, always, errno, isOneOf, type Profile, type Rule } from './rule.js'
import type { Arch } from './table.js'

/**
 * Under `compute` a job lives under three filters. The kernel asks all of them and takes the strictest answer:
 *
 * 1. the keeper's, which bubblewrap sets before the first process: the default profile, with what the first process needs
 *    to set the others;
 * 2. the gate, which the job's first process sets: execve asks the agent, all else is the others' business;
 * 3. the profile itself.
 */

/** include/uapi/linux/seccomp.h: _TSYNC, _NEW_LISTENER, _TSYNC_ESRCH, _WAIT_KILLABLE_RECV */
const KEEPER_FLAGS = 0x39
/** SECCOMP_SET_MODE_STRICT, SECCOMP_SET_MODE_FILTER, SECCOMP_GET_ACTION_AVAIL: as for a job */
const SECCOMP_OPERATIONS = [0, 1, 2]
const SECCOMP_IOCTL_NOTIF_RECV = 0xc050_2100
const SECCOMP_IOCTL_NOTIF_SEND = 0xc018_2101

/** The calls that the gate asks about. execveat is refused by the profile itself. */
export const GATED = ['execve'] as const

export function gateProfile(): Profile {
  return { rules: new Map(GATED.map((name) => [name, always(ASK)])), unlisted: ALLOW }
}

/** The same for every job of an architecture. */
export function gateBytes(arch: Arch): Uint8Array {
  return compileFilter(gateProfile(), arch)
}

/** What the job may not do is for the third filter to say; so this one has no variants. */
export function keeperProfile(): Profile {
  const { rules, unlisted } = defaultProfile({ inet: false, cpuPinned: false, hostFolders: false })
  const ioctl = rules.get('ioctl') ?? always(errno('ENOTTY'))
  return {
    rules: new Map([
      ...rules,
      [
        'seccomp',
        allowOnlyIf(errno('EINVAL'), isOneOf(0, SECCOMP_OPERATIONS), isOneOf(1, [0], ~KEEPER_FLAGS >>> 0)),
      ],
      ['ioctl', withNotifications(ioctl)],
    ]),
    unlisted,
  }
}

function withNotifications({ clauses, otherwise }: Rule): Rule {
  const asked = isOneOf(1, [SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND])
  return { clauses: [...clauses, { when: [asked], action: ALLOW }], otherwise }
}
