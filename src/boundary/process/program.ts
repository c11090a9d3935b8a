/** bubblewrap, as what a worker of cell becomes. */
import type { HostFacts } from '../../host/index.js'
import type { InForce, Plan } from '../../plan/index.js'
import { firstFilter } from '../../syscalls/index.js'
import { frame, text } from '../agent/wire.js'
import { namespacesAdvice, procAdvice } from '../answers/advice.js'
import { filterOptions } from '../answers/filter.js'
import { clean } from '../cell/failure.js'
import { isNetworked, pointFrames, treeFrames } from '../cell/request.js'
import type { WallProgram } from '../cell/wall-program.js'
import { mountPoints } from '../root/mount-points.js'
import { bubblewrapWords } from './words.js'

/** What is bound besides, in place of nothing. */
export interface Besides {
  /**
   * absolute paths of devices of this host. `/dev/net/tun` only where the plan has a network, which then ends there: the job, or what it
   * runs, says its frames itself.
   */
  readonly devices: readonly string[]
  /** that one of them is for, and the sandbox's own uid is in; `null`: none */
  readonly group?: number | null
}

const TUN = '/dev/net/tun'
const KVM = '/dev/kvm'

/** The same program for a job that talks to devices: a virtual machine's. */
export function bubblewrapWith({ devices, group = null }: Besides): WallProgram {
  const bound = (plan: Plan, inForce: InForce) =>
    devices.filter((path) => path !== TUN || isNetworked(plan, inForce))
  return {
    ...bubblewrap,
    frames: (plan, host, inForce) => bubblewrapFrames(plan, host, inForce, bound(plan, inForce)),
    network: devices.includes(TUN) ? 'tap' : 'here',
    group,
  }
}

export const bubblewrap: WallProgram = {
  option: '--bwrap',
  path: (host) => host.bubblewrap ?? '/usr/bin/bwrap',
  more: () => [],
  frames: (plan, host, inForce) => bubblewrapFrames(plan, host, inForce),
  tasks: (processes) => processes + 2,
  ownKernel: false,
  carried: false,
  network: 'here',
  group: null,
  filterByAgent: false,
  keeps: [],
  failure(said, host) {
    const [, message] = /^bwrap: (.*)$/m.exec(said) ?? []
    if (message === undefined) return null
    return {
      what: `bubblewrap could not start the sandbox: ${clean(message)}.`,
      get: bwrapRemedy(message, host),
    }
  },
}

function bubblewrapFrames(
  plan: Plan,
  host: HostFacts,
  inForce: InForce,
  devices: readonly string[] = [],
): Buffer[] {
  return [
    ...treeFrames(plan, host, inForce),
    ...pointFrames(mountPoints(plan)),
    frame(
      'f',
      firstFilter({
        ...filterOptions(plan, host, inForce),
        tap: devices.includes(TUN),
        kvm: devices.includes(KVM),
      }),
    ),
    frame('a', ...bubblewrapWords(plan, host, inForce, devices).map(text)),
  ]
}

/** What bubblewrap says when the kernel, or what guards it, refuses it something in its own namespaces. */
const REFUSED_INSIDE =
  /(namespace|[ug]id map|mount|pivot_root|hostname|loopback|slave).*(Operation not permitted|Permission denied)$/

function bwrapRemedy(message: string, host: HostFacts): string {
  if (message.includes('Unknown option'))
    return 'bubblewrap 0.8 or newer is needed; `apt-get install bubblewrap` gets it on Debian 12.'
  if (/proc/.test(message) && /mount/i.test(message)) return procAdvice(host)
  if (REFUSED_INSIDE.test(message)) return namespacesAdvice(host)
  return '`glovebox doctor` looks for what this host is missing.'
}
