import type { PolicyFlags } from '../policy/index.js'
import type { Flag, Parsed } from './flags.js'

/** Flags that `run`, `explain` and `verify` share: each adds to the policy or overrides it. */
export const POLICY_FLAGS: readonly Flag[] = [
  {
    name: '--policy',
    value: 'FILE',
    help: 'policy file, or the name of a built-in profile such as imagemagick',
  },
  {
    name: '--boundary',
    value: 'NAME',
    help: 'process, runc, gvisor, docker, docker+runsc, microvm',
  },
  {
    name: '--root',
    value: 'host|dir:PATH|image:NAME',
    help: "what the root is: the host's programs and libraries, a folder, or an image (glovebox image)",
  },
  { name: '--read', value: 'HOST[:INSIDE]', repeatable: true, help: 'show a host file or folder, read-only' },
  {
    name: '--write',
    value: 'HOST[:INSIDE]',
    repeatable: true,
    help: 'an empty folder, collected into HOST when the job ends',
  },
  {
    name: '--env',
    value: 'NAME[=VALUE]',
    repeatable: true,
    help: 'set a variable; without =VALUE, copy this one',
  },
  { name: '--workdir', value: 'PATH', help: 'folder inside to start in (default /job, private scratch)' },
  {
    name: '--allow-host',
    value: 'HOST[:PORT]',
    repeatable: true,
    help: 'let the job reach a host: TLS on 443, HTTP on 80, any other port as it is',
  },
  { name: '--allow-public', help: 'let the job reach any public host on 80 and 443' },
  {
    name: '--secret',
    value: 'NAME@HOST[,HOST]',
    repeatable: true,
    help: 'let requests to HOST carry this variable: the job has a placeholder in it, and never the value',
  },
  { name: '--deadline', value: '30s', help: 'end the job after this long (default 30s)' },
  { name: '--no-output', value: '5s', help: 'end the job when it says nothing for this long' },
  { name: '--memory', value: '256MiB', help: 'memory of all its processes together' },
  { name: '--cpus', value: '1', help: "processors' worth of time" },
  { name: '--processes', value: '64', help: 'processes and threads at once' },
  { name: '--max-output', value: '16MiB', help: 'standard output and error together' },
  { name: '--scratch', value: '64MiB', help: 'all that it writes to files' },
  { name: '--open-files', value: '256', help: 'descriptors per process' },
  {
    name: '--waive',
    value: 'CONTROL',
    repeatable: true,
    help: 'knowingly leave off a control this host cannot enforce',
  },
]

export function policyFlags({ flags }: Parsed): PolicyFlags {
  const one = (name: string) => flags.get(name)?.[0]
  const all = (name: string) => flags.get(name)
  return {
    policy: one('--policy'),
    boundary: one('--boundary'),
    root: one('--root'),
    read: all('--read'),
    write: all('--write'),
    env: all('--env'),
    workdir: one('--workdir'),
    allowHost: all('--allow-host'),
    allowPublic: flags.has('--allow-public'),
    secret: all('--secret'),
    deadline: one('--deadline'),
    noOutput: one('--no-output'),
    memory: one('--memory'),
    cpus: one('--cpus'),
    processes: one('--processes'),
    maxOutput: one('--max-output'),
    scratch: one('--scratch'),
    openFiles: one('--open-files'),
    waive: all('--waive'),
  }
}
