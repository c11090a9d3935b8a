import type { FilePlan, Requirement } from '../plan/index.js'
import type { Policy } from '../policy/index.js'
import { formatSize } from '../units/index.js'

/** An inode of tmpfs costs the kernel about 1 KiB: one for every 4 KiB of scratch, within reason. */
const BYTES_PER_INODE = 4096
const MIN_INODES = 1024
const MAX_INODES = 1 << 20

export function fileRequirements(policy: Policy): Requirement[] {
  const { read, write } = policy.files
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
      "/proc shows the job's own processes; files in it that tell of the host's kernel are masked.",
    ),
    promise(
      'files.scratch-bounded',
      `Everything the job writes goes to one private file system of ${formatSize(policy.limits.scratchBytes)} and a bounded number of files.`,
    ),
    promise('files.read-grants', `Granted paths can be read, never written${paths(read)}.`, read.length > 0),
    promise(
      'files.write-collected',
      `Written folders reach the host only after the job has ended, all or nothing, as plain files and folders${paths(write)}.`,
      write.length > 0,
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

export function filePlan(policy: Policy): FilePlan {
  const { scratchBytes } = policy.limits
  const inodes = Math.min(MAX_INODES, Math.max(MIN_INODES, Math.ceil(scratchBytes / BYTES_PER_INODE)))
  const granted = [...policy.files.read, ...policy.files.write].some((grant) =>
    covers(grant.inside, policy.workdir),
  )
  const places = ['/tmp', '/dev/shm', ...policy.files.write.map((grant) => grant.inside)]
  if (!granted) places.unshift(policy.workdir)
  return {
    root: policy.root,
    workdir: policy.workdir,
    read: policy.files.read,
    write: policy.files.write,
    scratch: { bytes: scratchBytes, inodes, places },
  }
}

function covers(folder: string, path: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}
