import type { Requirement } from '../plan/index.js'

/** Who the job is inside, the same on every boundary. */
export const JOB_IDENTITY = { uid: 1000, gid: 1000, userName: 'job', hostName: 'glovebox' } as const

/** What the job is, and what it can see of others: it is nobody, alone, and was handed nothing. */
export function identityRequirements(): Requirement[] {
  const promise = (id: Requirement['id'], sentence: string): Requirement => ({
    id,
    sentence,
    family: 'escape',
    applies: true,
  })
  return [
    promise('identity.unprivileged', 'The job is an ordinary user inside, without a single capability.'),
    promise(
      'identity.own-host-uid',
      'To the host the job is an ordinary user without capabilities; where root starts it, one that owns no file and no process of anyone else.',
    ),
    promise(
      'identity.no-new-privileges',
      'No program that the job executes gains a privilege: no setuid, no file capability.',
    ),
    promise(
      'identity.no-user-namespaces',
      'The job cannot make a user namespace, and so no place where it is privileged.',
    ),
    promise('isolation.processes', 'The job sees and signals no process but its own.'),
    promise(
      'isolation.ipc',
      'The job shares no System V IPC, message queue or abstract socket with the host.',
    ),
    promise('isolation.host-name', "The job sees a host name that is not the host's."),
    promise('isolation.cgroup-view', 'The job sees its own cgroup as the root.'),
    promise(
      'isolation.no-terminal',
      'The job has no terminal of the host: its standard streams are pipes of its own or, with --tty, a terminal made inside its sandbox.',
    ),
    promise(
      'isolation.nothing-inherited',
      'No environment, descriptor, working directory, signal disposition, umask, keyring or limit of the host reaches the job.',
    ),
    promise(
      'isolation.security-module',
      "The host's security module confines the job too: no capability, mount, tracing or signal beyond the sandbox, should another wall have a hole.",
    ),
    promise(
      'isolation.known-escapes',
      'The programs that make the boundary have no known escape that this configuration leaves open.',
    ),
  ]
}
