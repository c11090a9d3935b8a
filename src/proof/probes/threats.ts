/** What an attacker inside tries: the rows of the table of threats and probes, from docs/threats.md. */
import type { ThreatFamily } from '../../plan/index.js'

interface Threat {
  readonly family: ThreatFamily
  /** a phrase */
  readonly what: string
}

export const THREATS = {
  'host-processes': {
    family: 'escape',
    what: 'processes of the host: /proc, signals, ptrace, process_vm_*, pidfd_getfd, setns',
  },
  'first-process': {
    family: 'escape',
    what: 'the first process of the sandbox: its environment, arguments, memory, descriptors',
  },
  privileges: { family: 'escape', what: 'setuid programs, file capabilities, becoming another user' },
  'user-namespaces': { family: 'escape', what: 'a user namespace by unshare, clone, clone3' },
} as const satisfies Readonly<Record<string, Threat>>

export type ThreatId = keyof typeof THREATS
