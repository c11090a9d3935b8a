import type { Requirement } from '../plan/index.js'
import type { Policy } from '../policy/index.js'

/** What this plane says must hold of every sandbox, whatever the policy adds or takes away. */
export function requirements(policy: Pick<Policy, 'syscalls'>): readonly Requirement[] {
  const { profile, lock, deny, allow } = policy.syscalls
  const adjusted = [
    ...(allow.length > 0 ? [`plus ${allow.join(', ')}`] : []),
    ...(deny.length > 0 ? [`without ${deny.join(', ')}`] : []),
  ]
  return [
    {
      id: 'syscalls.profile',
      sentence: `Only the system calls of the ${[`"${profile}" profile`, ...adjusted].join(', ')} run; every other is refused before the kernel acts on it.`,
      family: 'escape',
      applies: true,
    },
    {
      id: 'syscalls.native-abi-only',
      sentence: 'A process that makes a system call by another ABI (int 0x80, x32, 32-bit ARM) is killed.',
      family: 'escape',
      applies: true,
    },
    {
      id: 'syscalls.no-sockets',
      sentence: 'No process of the job can make a socket of any kind, pairs included.',
      family: 'escape',
      applies: profile === 'compute',
    },
    {
      id: 'syscalls.no-exec',
      sentence: 'No process of the job can execute a program after the first.',
      family: 'escape',
      applies: profile === 'compute',
    },
    {
      id: 'syscalls.lock',
      sentence:
        'A job that locks itself can from then on open no file, execute no program and make no socket, in any of its processes.',
      family: 'escape',
      applies: lock !== null,
    },
  ]
}
