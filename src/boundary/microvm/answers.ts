/** What a machine of its own does about each requirement: the same as elsewhere, done by a kernel that is the job's alone, in a jail of the host's. */
import type { HostFacts } from '../../host/index.js'
import { type Answer, absent, enforcedBy, impossible } from '../../plan/index.js'
import { bubblewrapEscapes } from '../answers/bubblewrap-escapes.js'
import { type Answers, answerFrom, emptyBy, hostKernelAnswers } from '../answers/host-kernel-answers.js'
import { by } from '../answers/mechanisms.js'
import { withNftables } from '../answers/network.js'
import type { Question } from '../boundary.js'
import { knownEscapesAnswer } from '../known-escapes.js'
import { boundaryPrograms } from '../programs.js'
import { expectedText } from './accelerator.js'
import { kernelFacts } from './kernel.js'

const MACHINE = by('a virtual machine: a Linux of the sandbox’s own, which nobody else is in', 'machine')
const JAIL = by(
  'QEMU is the one command of a sandbox of the process boundary: no capability, no network, no file but the machine’s own',
  'machine-jail',
)
const NO_CHANNEL = by('no folder of the host is shared with the machine, by any channel', 'machine')

const machineAnswers: Partial<Answers> = {
  'identity.unprivileged': () =>
    enforcedBy(
      by(
        'uid and gid 1000 in the machine, no capability in any set, none in the bounding set',
        'machine-credentials',
      ),
      JAIL,
    ),
  'identity.own-host-uid': ({ host }) =>
    host.canTakeUids
      ? enforcedBy(
          by(
            'QEMU has a host uid and gid that no one else has while it lives, and no supplementary group but that of /dev/kvm, where it uses that',
            'own-host-uid',
          ),
        )
      : enforcedBy(
          by("QEMU has the caller's own uid without capabilities, in a root of its own", 'machine-jail'),
        ),
  'identity.no-new-privileges': () =>
    enforcedBy(
      by('PR_SET_NO_NEW_PRIVS, in the machine and in the jail; every mount nosuid', 'machine-credentials'),
    ),
  'identity.no-user-namespaces': () =>
    enforcedBy(
      by('max_user_namespaces is 0 in the machine', 'machine-locked'),
      by('seccomp: clone flags, clone3, unshare', 'filter-namespaces'),
    ),
  'isolation.processes': ({ host }) =>
    enforcedBy(
      by(expectedText(host), 'machine'),
      by(
        'a pid namespace in it, with its own /proc; first process not dumpable',
        'machine',
        'agent-not-dumpable',
      ),
    ),
  'isolation.ipc': () => enforcedBy(MACHINE),
  'isolation.host-name': () => enforcedBy(MACHINE),
  'isolation.cgroup-view': () => enforcedBy(MACHINE, by('a cgroup namespace in it', 'machine')),
  'isolation.no-terminal': () =>
    enforcedBy(
      by(
        'the machine has one line to Glovebox, which only its first process can open; the job has pipes made inside',
        'machine',
      ),
      by(
        "with --tty: a pair of the machine's own devpts, whose other side only the first process holds",
        'own-streams',
      ),
      by('seccomp: TIOCSTI, TIOCLINUX', 'filter-terminal'),
    ),
  'isolation.nothing-inherited': () =>
    enforcedBy(
      MACHINE,
      by('a machine goes on where one was saved that no job and no secret was ever in', 'machine-saved'),
    ),
  'isolation.known-escapes': ({ host }) => knownEscapes(host),
  'isolation.security-module': () =>
    absent(
      "The job is no process of this host's kernel, and the machine's has no profile to load. Landlock, the machine and the jail hold.",
    ),
  'files.root-read-only': () =>
    enforcedBy(
      by(
        'erofs, which no Linux can write to, on a disk that QEMU has open for reading alone',
        'machine-disk',
      ),
    ),
  'files.host-hidden': ({ plan }) =>
    plan !== null && plan.files.root.kind !== 'image'
      ? impossible(
          'A virtual machine has a root of its own: no folder of the host is shared with it.',
          'Write `root: image:REF`; `glovebox image import` takes a folder, an archive or an OCI layout.',
        )
      : enforcedBy(NO_CHANNEL, by('own passwd, group, hosts, resolv.conf', 'own-etc')),
  'files.devices': () =>
    enforcedBy(
      by(
        "a /dev of six devices and a devpts of its own, read-only: none of the machine's disks, ports or buses",
        'machine-dev',
      ),
    ),
  'files.proc': () =>
    enforcedBy(
      by("procfs of a pid namespace of the machine: nothing in it is the host's", 'machine'),
      by('read-only /proc/sys', 'machine-credentials'),
    ),
  'files.scratch-bounded': () =>
    enforcedBy(
      by("one tmpfs in the machine's memory, with size and nr_inodes", 'bounded-scratch'),
      by('RLIMIT_FSIZE', 'limit-file-size'),
    ),
  'files.read-grants': () =>
    enforcedBy(
      by(
        'a copy, as of the start: opened without following links, sent over the machine’s one line into memory of its own, and mounted there read-only, nosuid, nodev; no device, socket or fifo, and nothing that the job could not read here',
        'grant-without-links',
        'machine-grants',
      ),
      by('the owner of the granted path is the job there, and everybody else nobody', 'machine-grants'),
    ),
  'files.live-writes': () =>
    impossible(
      'No folder of the host is shared with a virtual machine, and what a copy has is not live.',
      'Leave `live` away: what the job writes is collected when it has ended.',
    ),
  'network.none': () =>
    enforcedBy(
      by('the machine has no network device', 'machine'),
      by(
        'QEMU has no network: its own namespace is empty, and its filter lets it make no socket',
        'machine-jail',
      ),
    ),
  'network.gateway-only': ({ host }) =>
    withNftables(
      host,
      by(
        'one virtio device, whose other side is a tap in a namespace in which every address is local: TPROXY gives every port to one socket, which the gateway holds',
        'machine-tap',
        'network-namespace',
        'tproxy',
      ),
      by('seccomp: of IP, TCP and UDP sockets only', 'filter-families'),
    ),
  'network.no-datagrams': ({ host }) =>
    withNftables(
      host,
      by(
        'nftables rejects all but questions to the resolver where they arrive: one hop out',
        'refused-datagrams',
      ),
      by('a network namespace with one link, to that place', 'machine-tap'),
      by('seccomp: no raw, ping or packet socket', 'filter-families'),
    ),
  'limits.memory': ({ host }) =>
    host.cgroups.controllers.includes('memory')
      ? enforcedBy(
          by("the machine's own cgroup: memory.max, memory.oom.group", 'machine-cgroup'),
          by(
            'the machine has no more memory than that, its kernel and what it is granted need, and its VMM a cgroup of its own',
            'machine',
            'cgroup-memory',
          ),
        )
      : enforcedBy(
          by("the machine's own cgroup: memory.max, memory.oom.group", 'machine-cgroup'),
          by('the machine has no more memory than that, its kernel and what it is granted need', 'machine'),
        ),
  'limits.processes': () =>
    enforcedBy(
      by("the machine's own cgroup: pids.max", 'machine-cgroup'),
      by('RLIMIT_NPROC', 'limit-processes'),
    ),
  'limits.no-core-dumps': () =>
    enforcedBy(
      by(
        'RLIMIT_CORE 1 in the machine and for QEMU, with which the kernel starts no handler either',
        'no-core-dumps',
      ),
      by('seccomp refuses to change it', 'filter-core-limit'),
    ),
  'lifetime.bound-to-supervisor': () =>
    enforcedBy(
      by('the machine powers itself off when its line to the supervisor ends', 'machine-lifeline'),
      by("the jail's first process exits when its own does", 'agent-lifeline'),
      by('launcher ends all', 'launcher-ends-all'),
    ),
  'lifetime.single-use': () =>
    enforcedBy(
      by(
        'one job, one machine, which ends with it; the first process starts one command and exits',
        'machine',
        'one-command',
      ),
      by('each machine is given randomness, time and names of its own before its job is', 'machine-saved'),
    ),
  'lifetime.empty': () =>
    enforcedBy(by('a machine goes on where one was saved that never had a job', 'machine-saved'), ...emptyBy),
  'lifetime.nothing-left': () =>
    enforcedBy(
      by('all that a job leaves is in the memory of QEMU, which ends', 'machine'),
      by('launcher waits for every process and removes the cgroup', 'launcher-waits', 'cgroup-removed'),
    ),
}

const NO_ESCAPE = by('a QEMU without a known way into it that this machine leaves open', 'runtime-version')
const NONE_FROM_JAIL = by(
  'one that nobody knows yet ends in its jail, whose bubblewrap has no known escape that its start leaves open',
  'runtime-version',
  'machine-jail',
)

/** QEMU has had holes and will have: each of the two walls is asked for its own. */
function knownEscapes(host: HostFacts): Answer {
  const machine = knownEscapesAnswer('microvm', boundaryPrograms('microvm', host), NO_ESCAPE)
  if (machine.kind === 'impossible') return machine
  const jail = bubblewrapEscapes(host)
  return jail.kind === 'impossible' ? jail : enforcedBy(NO_ESCAPE, NONE_FROM_JAIL)
}

const asked = answerFrom({ ...hostKernelAnswers, ...machineAnswers } as Answers)
/** What only the host can say: the rest is asked of the machine's kernel. */
const OF_HOST: ReadonlySet<string> = new Set(Object.keys(machineAnswers).concat('limits.cpus'))

export function answer(question: Question) {
  const { requirement, host } = question
  const release = host.machines().kernel.release ?? ''
  return asked(OF_HOST.has(requirement.id) ? question : { ...question, host: kernelFacts(host, release) })
}
