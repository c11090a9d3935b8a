/** From what cell or bubblewrap said when a start failed to a sentence and a remedy. Pure. */
import type { HostFacts } from '../../host/index.js'
import { NFTABLES_ADVICE, namespacesAdvice } from '../answers/advice.js'
import type { LaunchFailure } from './launch-failure.js'
import type { WallProgram } from './wall-program.js'

const CELL = /^cell: ([a-z-]+): (.*): (\d+): (.*)$/m

const REMEDIES: readonly (readonly [step: RegExp, get: string])[] = [
  [
    /^own-uid$/,
    'This root may give no ids: it lives in a user namespace with a small range, or an AppArmor profile over dist/native/{x64,arm64}/cell lacks `capability setuid,` and `capability setgid,`. Run it as an ordinary user, or change that.',
  ],
  [
    /^root$/,
    'The folder that is the root must be one that this user can read, on a file system that overlayfs can lie over (ext4, xfs, btrfs, tmpfs), and the kernel must have overlayfs in user namespaces (Linux 5.11).',
  ],
  [/^grant$/, 'The granted path was replaced since the policy was read, or cannot be opened by this user.'],
  [
    /^grant-idmap$/,
    'This file system cannot be shown under another owner (overlayfs cannot). Copy what the job needs to ext4, xfs, btrfs or tmpfs, or pass it with --input.',
  ],
  [
    /^grant-kernel$/,
    "A file system of the kernel (proc, sysfs, devtmpfs …) is mounted below the granted path, a chroot's for example. Grant the folders beside it.",
  ],
  [/^cgroup$/, 'A limit could not be set. `glovebox doctor` shows which cgroups this user may use.'],
  [
    /^core-dumps$/,
    "Core dumps are piped to a program here, and this user's hard limit (`ulimit -Hc`) of 0 does not stop that. Raise the hard limit to at least 1, or run as root.",
  ],
  [
    /^tap$/,
    'A virtual machine with a network needs /dev/net/tun, open to every user as Debian and udev have it: as root, `modprobe tun` and `chmod 0666 /dev/net/tun`; in a container, `--device /dev/net/tun`.',
  ],
  [
    /^scratch$/,
    'The scratch file system could not be made: is limits.scratch within what this host can hold?',
  ],
]

/** What bubblewrap says on --info-fd, when all is well. */
const STARTED = /\{[^{}]*"child-pid"[^{}]*\}/

const GUARDED: ReadonlySet<string> = new Set(['stage', 'scratch', 'own-files', 'network'])
/** EAFNOSUPPORT */
const NO_SUCH_FAMILY = 97
/** EPERM, EACCES */
const NOT_PERMITTED: ReadonlySet<number> = new Set([1, 13])

export function launchFailure(
  text: string,
  host: HostFacts,
  program: Pick<WallProgram, 'failure'>,
): LaunchFailure {
  const said = program.failure(text, host)
  if (said !== null) return said
  const cell = CELL.exec(text)
  if (cell) {
    const [, step = '', detail = '', number, error = ''] = cell
    // AppArmor lets the namespace be made, and then refuses what it is for
    const refused = step === 'namespaces' || (GUARDED.has(step) && NOT_PERMITTED.has(Number(number)))
    const get = refused
      ? namespacesAdvice(host)
      : step === 'network'
        ? networkRemedy(detail, Number(number))
        : (REMEDIES.find(([pattern]) => pattern.test(step))?.[1] ?? '')
    return { what: `The sandbox could not be set up: ${step} (${clean(detail)}): ${clean(error)}.`, get }
  }
  if (text.includes('cell: gone'))
    return { what: 'The launcher was killed.', get: 'The next run starts another.' }
  if (text.includes('cell: too many'))
    return { what: 'Too many sandboxes run at once.', get: 'Wait for some to end.' }
  const complaint = clean(text.replace(STARTED, ''))
  return {
    what: `The sandbox ended before its command started${complaint === '' ? '' : `: ${complaint}`}.`,
    get: STARTED.test(text)
      ? 'Its first process was killed: by somebody, or by the kernel for want of memory. Run it again.'
      : '',
  }
}

function networkRemedy(detail: string, errno: number): string {
  if (/^IPv6 (address|route)$/.test(detail))
    return 'This kernel has IPv6 and refuses its addresses: as root, `sysctl net.core.devconf_inherit_init_net=0`, or boot with `ipv6.disable=1` to be without.'
  if (errno === NO_SUCH_FAMILY)
    return 'Sockets of this family are refused: in a systemd unit, `RestrictAddressFamilies=` must name AF_UNIX, AF_INET, AF_INET6 and AF_NETLINK.'
  return NFTABLES_ADVICE
}

/** One line without control characters or its full stop: what a program said is shown to a person. */
export function clean(text: string): string {
  return text
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .replace(/\.$/, '')
    .slice(0, 300)
}
