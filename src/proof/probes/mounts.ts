/** Mounts and roots: whatever can be changed of them, can be taken away. */
import type { RequirementId } from '../../plan/index.js'
import { unlessAllowed } from './derive.js'
import type { Attempt, Bench, Probe } from './probe.js'
import { attempt, refused, type Words } from './refused.js'

interface Row {
  readonly id: string
  readonly tries: string
  readonly calls: readonly string[]
  readonly inside: readonly Words[]
  readonly control: (folder: string) => readonly (Words | Attempt)[]
  readonly claim?: RequirementId
}

const ROWS: readonly Row[] = [
  {
    id: 'mount',
    tries: 'mount a file system',
    calls: ['mount'],
    inside: [
      ['mount', '/tmp'],
      ['mount', '/usr'],
      ['mount', '/proc'],
    ],
    control: (folder) => [['mount', folder]],
  },
  {
    id: 'bind',
    tries: 'show one folder in the place of another',
    calls: ['mount'],
    inside: [
      ['bind', '/', '/tmp'],
      ['bind', '/proc', '/tmp'],
      ['bind', '/tmp', '/usr'],
    ],
    control: (folder) => [['bind', '/', folder]],
  },
  {
    id: 'remount',
    tries: 'make a read-only mount writable',
    calls: ['mount'],
    inside: ['/', '/usr', '/etc', '/proc', '/proc/sys', '/dev'].map((place) => ['remount', place] as const),
    control: () => [['remount', '/']],
  },
  {
    id: 'unmount',
    tries: 'take a mount away, and see what it covers',
    calls: ['umount2'],
    inside: ['/proc', '/proc/sys', '/etc', '/usr', '/dev', '/tmp', '/'].map(
      (place) => ['umount', place] as const,
    ),
    // of what it has from its parent it may take nothing away; the place is one that it may look for
    control: () => [attempt(['umount', '/proc'], ({ result }) => result === 'ok' || result === 'EINVAL')],
  },
  {
    id: 'new-calls',
    tries: 'mount by fsopen, fsmount and move_mount',
    calls: ['fsopen', 'fsconfig', 'fsmount', 'move_mount'],
    inside: [['fs-mount', '/tmp']],
    control: (folder) => [['fs-mount', folder]],
  },
  {
    id: 'tree',
    tries: 'copy the tree of mounts, or change its flags',
    calls: ['open_tree', 'mount_setattr', 'fspick', 'move_mount'],
    inside: [
      ['open-tree', '/'],
      ['open-tree', '/usr'],
      ['mount-setattr', '/usr'],
      ['mount-setattr', '/'],
      ['fspick', '/'],
      ['move-mount', '/usr'],
    ],
    control: (folder) => [
      // EINVAL: looked at, and not to be copied for what is mounted below
      attempt(['open-tree', '/'], ({ result }) => result === 'ok' || result === 'EINVAL'),
      ['mount-setattr', '/'],
      ['fspick', '/'],
      ['move-mount', folder],
    ],
  },
  {
    id: 'root',
    tries: 'take another root by chroot or pivot_root',
    calls: ['chroot', 'pivot_root'],
    inside: [
      ['chroot', '/tmp'],
      ['chroot', '/proc/self/root'],
      ['pivot-root', '/tmp'],
    ],
    control: (folder) => [
      ['chroot', folder],
      ['pivot-root', folder],
    ],
    claim: 'files.host-hidden',
  },
]

export const mountProbes: readonly Probe[] = ROWS.map(({ id, tries, calls, inside, control, claim }) => ({
  id: `mounts.${id}`,
  claim: claim ?? 'files.root-read-only',
  threat: 'mounts',
  tries,
  trial: (given) =>
    unlessAllowed(
      given,
      calls,
      refused(() => inside, {
        control: ({ decoys }: Bench) => control(decoys.folder),
        where: 'privileged',
      }),
    ),
}))
