import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { promises, refused, thoseOfThisKernel } from '../support/attack.js'
import { sharedFolder } from '../support/checkout.js'

/**
 * The attack: every system call that has led out of a sandbox before, carried out as far as it goes. `parent` is a process
 * of the job's own: not even that may be traced or read, because the next one might be pid 1.
 */
const place = sharedFolder()
mkdirSync(join(place, 'mount'))

const root = { rootControl: true } as const
const onPlace = (name: string) => ({ ...root, outside: [`${name},${place}/mount`] })

const processes = await thoseOfThisKernel([
  'peek,parent',
  'poke,parent',
  'seize,parent',
  'traceme',
  'kcmp,parent',
  'steal-fd,parent,0',
])
const withRoot = await thoseOfThisKernel([
  'process-madvise,parent',
  'setns-pidfd,parent,4000000', // uts
  'setns-pidfd,parent,20000', // mount
  'bpf-map',
  'bpf-program',
  'module',
  'kexec',
  'reboot',
  'swapon',
  'set-clock',
  'dmesg',
  'set-host-name',
  'fspick,/',
  'mount-setattr,/usr',
  'perf-event',
  'userfaultfd,0',
  'file-handle,/usr',
  'guessed-handle,/usr',
])
const forAnyone = await thoseOfThisKernel([
  'add-key',
  'request-key',
  'join-keyring',
  'io-uring',
  'io-uring-socket',
  'userfaultfd,1',
  'socket-filter',
  'personality,40000', // no randomisation of addresses
  'personality,400000', // all that can be read can be executed
])
/** Of these a host's kernel has no module to load for the control: a test must not widen the kernel that it runs on. */
const SOCKETS = [
  'socket,16,3,0', // netlink: routes
  'socket,16,3,12', // netlink: netfilter
  'socket,16,3,16', // netlink: generic
  'socket,17,3,0', // AF_PACKET
  'socket,2,3,255', // raw IPv4
  'socket,10,3,58', // raw ICMPv6
]
const SOCKETS_OF_MODULES = [
  'socket,15,3,2', // PF_KEY
  'socket,21,5,0', // RDS
  'socket,29,3,1', // CAN
  'socket,30,5,0', // TIPC
  'socket,31,3,1', // Bluetooth
  'socket,38,5,0', // AF_ALG
  'socket,40,1,0', // AF_VSOCK
  'socket,43,1,0', // SMC
  'socket,44,3,0', // XDP
  'socket,45,1,1', // MCTP
]

promises({}, () => [
  ...processes.map((each) => refused(`another process: ${each}`, [each])),
  ...withRoot.map((each) => refused(`a privileged call: ${each}`, [each], root)),
  ...forAnyone.map((each) => refused(`a call that anyone may make outside: ${each}`, [each])),
  refused('sockets of families with a history', [...SOCKETS, ...SOCKETS_OF_MODULES], {
    ...root,
    outside: SOCKETS,
    with: ['EAFNOSUPPORT'],
  }),
  refused('a file system made and mounted by the newer calls', ['fs-mount,/tmp'], onPlace('fs-mount')),
  refused('a copy of the tree of mounts', ['open-tree,/', 'open-tree,/usr'], onPlace('open-tree')),
  refused(
    'the first process by the same calls',
    [
      'peek,1',
      'poke,1',
      'seize,1',
      'kcmp,1',
      'steal-fd,1,3',
      'setns-pidfd,1,20000',
      'setns-pidfd,1,10000000',
    ],
    { outside: ['peek,parent', 'poke,parent', 'seize,parent', 'kcmp,parent', 'steal-fd,parent,0'] },
  ),
])
