import type { FilePlan, Requirement, RootPlan } from '../plan/index.js'
import type { Policy } from '../policy/index.js'
import { formatSize } from '../units/index.js'

/** An inode of tmpfs costs the kernel about 1 KiB: one for every 4 KiB of scratch, within reason. */
const BYTES_PER_INODE = 4096
const MIN_INODES = 1024
const MAX_INODES = 1 << 20

export function fileRequirements(policy: Policy): Requirement[] {
  const { read } = policy.files
  const { collected, live } = written(policy)
  const elsewhere = live.length > 0 ? ', live grants apart,' : ''
  const promise = (id: Requirement['id'], sentence: string, applies = true): Requirement => ({
    id,
    sentence,
    family: 'escape',
    applies,
  })
  return [
    promise('files.root-read-only', 'Programs, libraries and configuration are shown read-only.'),
    promise(
      'files.host-hidden',
      "The host's users, home folders, machine id, mounts, /sys, /run and the rest of its files are not there.",
    ),
    promise(
      'files.devices',
      'The only devices are null, zero, full, random, urandom, tty and a private pts.',
    ),
    promise(
      'files.proc',
      "/proc shows no process but the job's own, and files in it on the kernel's command line, symbols, modules, keys, locks, interrupts and disks are masked; kernel version and settings, processors, memory, load and uptime can be read.",
    ),
    promise(
      'files.scratch-bounded',
      `Everything the job writes${elsewhere} goes to one private file system of ${formatSize(policy.limits.scratchBytes)} and a bounded number of files.`,
    ),
    promise('files.read-grants', `Granted paths can be read, never written${paths(read)}.`, read.length > 0),
    promise(
      'files.write-collected',
      `Written folders reach the host only after the job has ended, all or nothing, as plain files and folders${paths(collected)}.`,
      collected.length > 0,
    ),
    promise(
      'files.live-writes',
      `What the job writes to live grants is on the host at once, and never a setuid or setgid file, a device, or anything outside of them${paths(live)}.`,
      live.length > 0,
    ),
    promise(
      'files.second-wall',
      'What may be opened, made and executed is checked a second time, by another part of the kernel than mounts.',
    ),
  ]
}

function paths(grants: Policy['files']['read']): string {
  return grants.length === 0 ? '' : `: ${grants.map((grant) => grant.inside).join(', ')}`
}

/** What `explain` says of grants that take a protection away. */
export function fileWarnings({ live }: FilePlan): string[] {
  return live.map(
    ({ host, inside }) =>
      `files.write: ${inside} is ${host} itself. No limit bounds what fills it, and whoever reads it reads what the job left: links, fifos, any name.`,
  )
}

export function filePlan(policy: Policy, root: RootPlan): FilePlan {
  const { scratchBytes } = policy.limits
  const inodes = Math.min(MAX_INODES, Math.max(MIN_INODES, Math.ceil(scratchBytes / BYTES_PER_INODE)))
  const granted = [...policy.files.read, ...policy.files.write].some((grant) =>
    covers(grant.inside, policy.workdir),
  )
  const { collected, live } = written(policy)
  const places = ['/tmp', '/dev/shm', ...collected.map((grant) => grant.inside)]
  if (!granted) places.unshift(policy.workdir)
  return {
    root,
    workdir: policy.workdir,
    read: policy.files.read,
    write: collected,
    live,
    scratch: { bytes: scratchBytes, inodes, places },
  }
}

function written(policy: Policy): Pick<FilePlan, 'live'> & { readonly collected: FilePlan['write'] } {
  const bare = ({ host, inside }: FilePlan['write'][number]) => ({ host, inside })
  return {
    collected: policy.files.write.filter(({ live }) => !live).map(bare),
    live: policy.files.write.filter(({ live }) => live).map(bare),
  }
}

function covers(folder: string, path: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}
