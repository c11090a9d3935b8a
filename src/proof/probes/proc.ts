/** /proc: what it would tell of the host's kernel, and what could be written to it. */
import { MASKED_PROC_FILES, MASKED_PROC_FOLDERS } from '../../boundary/index.js'
import { byEngineAlone, has } from './derive.js'
import type { Given, Pointless, Probe, Trial } from './probe.js'
import { attempt, refused, type Words } from './refused.js'
import type { ThreatId } from './threats.js'

function probe(
  id: string,
  threat: ThreatId,
  tries: string,
  trial: (given: Given) => Trial | Pointless,
): Probe {
  return { id: `proc.${id}`, claim: 'files.proc', threat, tries, trial }
}

const here = ({ host }: Given, paths: readonly string[]) =>
  paths.filter((path) => host.paths[path] !== undefined)

/** Its contents are the machine's whole memory: not even a control reads it. */
const NEVER_READ = '/proc/kcore'
/** Opened and not written to: who may open one may write it. */
const SETTINGS = [
  '/proc/sys/kernel/shmmax',
  '/proc/sys/kernel/pid_max',
  '/proc/sys/kernel/ns_last_pid',
  '/proc/sys/kernel/hostname',
  '/proc/sys/kernel/core_pattern',
  '/proc/sys/net/core/somaxconn',
  '/proc/sys/net/ipv4/ip_forward',
  '/proc/sys/user/max_user_namespaces',
  '/proc/sys/vm/overcommit_memory',
  '/proc/sysrq-trigger',
  '/proc/pressure/memory',
] as const

export const procProbes: readonly Probe[] = [
  probe('masked', 'masked-files', "read what a masked file says of the host's kernel", (given) => {
    const files = here(given, MASKED_PROC_FILES)
    if (files.length === 0) return { pointless: 'this kernel has none of these files' }
    return refused(
      () =>
        files.map((path) =>
          attempt(['read', path], ({ result, detail }) => result === 'ok' && detail !== ''),
        ),
      {
        control: () =>
          files.map((path) =>
            path === NEVER_READ
              ? attempt(['there', path])
              : { words: ['read', path] as Words, lacking: ({ result }) => result !== 'ok' },
          ),
      },
    )
  }),
  probe('masked-folders', 'masked-files', "list a masked folder of the host's kernel", (given) => {
    const folders = here(given, MASKED_PROC_FOLDERS)
    if (folders.length === 0) return { pointless: 'this kernel has none of these folders' }
    const listed = folders.map((path) =>
      attempt(['list', path], ({ result, detail }) => result === 'ok' && detail !== ''),
    )
    return refused(() => listed, {
      control: () => listed.map((each) => ({ ...each, lacking: ({ detail }) => detail === '' })),
    })
  }),
  probe(
    'uncovered',
    'masked-files',
    'take a mask away, put another in its place, write through it',
    (given) => {
      const masks = here(given, MASKED_PROC_FILES)
      if (masks.length === 0) return { pointless: 'this kernel has none of these files' }
      return refused(
        () =>
          masks.flatMap((path) => [
            ['umount', path] as const,
            // a mask may be the null device itself, which keeps nothing
            attempt(['write', path], ({ result, detail }) => result === 'ok' && detail !== 'nowhere'),
            ['bind', '/tmp', path] as const,
          ]),
        {
          control: ({ decoys }) => [
            ['write', '/dev/null'],
            ['bind', decoys.file, decoys.file],
          ],
          where: 'privileged',
        },
      )
    },
  ),
  probe('mask', 'masked-files', 'find a mask that is a file of its own choice', (given) =>
    refused(
      () => [attempt(['read', '/proc/self/mountinfo'], ({ detail }) => hasForeignMask(given, detail))],
      {
        control: () => [
          attempt(['read', '/proc/self/mountinfo'], ({ detail }) => hasForeignMask(given, detail)),
        ],
      },
    ),
  ),
  probe(
    'settings',
    'kernel-state',
    'write settings of the kernel, those of its own namespaces included',
    () =>
      refused(() => SETTINGS.map((path) => ['write', path] as const), {
        control: () => [['write', '/proc/sys/net/ipv4/ip_forward']],
        where: 'privileged',
      }),
  ),
  probe('locks', 'watching', 'read the locks that others hold on files', () =>
    refused(() => [['file-lock', '/usr/bin/env']], { control: ({ decoys }) => [['file-lock', decoys.file]] }),
  ),
  probe('log', 'host-information', "read the kernel's log", (given) =>
    has(given, 'SYS_ADMIN')
      ? refused(() => [['dmesg'], ['read', '/proc/kmsg'], ['read', '/dev/kmsg']], {
          control: () => [['dmesg']],
        })
      : { pointless: 'this user may not read it either' },
  ),
]

const ON_EVERY_KERNEL = ['/proc/cmdline', '/proc/kallsyms', '/proc/keys', '/proc/timer_list']

/** A masked file that is not covered, or not by the host's own /dev/null: as bubblewrap mounts it, or as a runtime does. */
function hasForeignMask(given: Given, mountinfo: string): boolean {
  // an engine binds the null device of the container's own /dev, writable, which keeps nothing
  const flags = byEngineAlone(given) ? 'r[ow]' : 'ro,nosuid,(?:nodev|noexec)'
  const covers = mountinfo.match(new RegExp(`\\S+ /null /proc/\\S+ ${flags}`, 'g')) ?? []
  const covered = covers.map((each) => each.split(' ')[2])
  // of a machine's kernel is not to be told from here what else it has
  const shown = given.plan.boundary === 'microvm' ? ON_EVERY_KERNEL : here(given, MASKED_PROC_FILES)
  return shown.some((path) => !covered.includes(path))
}
