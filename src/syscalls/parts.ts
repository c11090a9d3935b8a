/**
 * The parts of the filter, by the claims that they keep. Each can be left out by itself; only tests do, to show that a probe
 * notices.
 */
import { ALLOW, always, type Profile } from './rule.js'

/** The calls that each part checks or refuses. `all`: the whole; `abi`: what is said to other ABIs; `once`, `sealed`: what the gate asks. */
const CALLS = {
  all: [],
  abi: [],
  namespaces: ['clone', 'clone3', 'unshare', 'setns'],
  terminal: ['ioctl'],
  families: ['socket', 'socketpair'],
  'unix-sockets': ['socket', 'socketpair'],
  modes: [
    ...['chmod', 'fchmod', 'fchmodat', 'fchmodat2', 'mkdir', 'mkdirat', 'creat', 'open', 'openat', 'openat2'],
    ...['mknod', 'mknodat', 'renameat2'],
  ],
  affinity: ['sched_setaffinity'],
  'core-limit': ['prlimit64', 'setrlimit'],
  execveat: ['execveat'],
  once: [],
  sealed: [],
} as const satisfies Readonly<Record<string, readonly string[]>>

export type FilterPart = keyof typeof CALLS
export const FILTER_PARTS = Object.keys(CALLS) as readonly FilterPart[]

/** The parts of which nothing, or not all, is left when a policy allows these calls. */
export function openedParts(allow: readonly string[]): readonly FilterPart[] {
  return FILTER_PARTS.filter((part) => CALLS[part].some((name) => allow.includes(name)))
}

export function lacking(profile: Profile, missing: readonly FilterPart[]): Profile {
  if (missing.length === 0) return profile
  const otherAbi = missing.includes('abi') || missing.includes('all') ? { otherAbi: ALLOW } : {}
  if (missing.includes('all')) return { rules: new Map(), unlisted: ALLOW, ...otherAbi }
  const free = missing.flatMap((part) => CALLS[part])
  return {
    ...profile,
    ...otherAbi,
    rules: new Map([...profile.rules, ...free.map((name) => [name, always(ALLOW)] as const)]),
  }
}
