/** What this process's mount namespace shows. Pure. */

export interface Mount {
  /** the part of the file system that is shown */
  readonly root: string
  readonly point: string
  /** of this mount: `ro`, `nosuid` … */
  readonly options: readonly string[]
  readonly type: string
  /** of the file system */
  readonly superOptions: readonly string[]
}

/** proc(5), /proc/[pid]/mountinfo: root is field 4, mount point 5; type and super options follow ` - `. */
export function mountsOf(mountinfo: string): Mount[] {
  const mounts: Mount[] = []
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ')
    const [, , , root, point, options] = (before ?? '').split(' ')
    const [type, , superOptions] = (after ?? '').split(' ')
    if (!type || !root || !point) continue
    mounts.push({
      root: unquoted(root),
      point: unquoted(point),
      options: (options ?? '').split(','),
      type,
      superOptions: (superOptions ?? '').split(','),
    })
  }
  return mounts
}

function unquoted(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}

/** Folders of procfs that are empty in every kernel: what is mounted there hides nothing (fs/proc, EMPTY_DIR). */
const HIDES_NOTHING = ['/proc/sys/fs/binfmt_misc', '/proc/fs/nfsd']

/**
 * What is mounted over parts of /proc. The kernel gives a new user namespace no fresh procfs that would show what the
 * old one hides (fs/namespace.c, mount_too_revealing), so that one such mount refuses every sandbox; unless another
 * procfs, anywhere in this namespace, is shown whole.
 */
export function maskedProc(mountinfo: string): readonly string[] {
  // every start asks, and a busy container host has thousands of mounts
  const mounts = mountsOf(
    mountinfo
      .split('\n')
      .filter((line) => line.includes('proc'))
      .join('\n'),
  )
  const whole = mounts.filter(
    ({ type, root, options }) => type === 'proc' && root === '/' && !options.includes('ro'),
  )
  let fewest: readonly string[] = []
  for (const [index, { point }] of whole.entries()) {
    const over = mounts.map((mount) => mount.point).filter((each) => each.startsWith(`${point}/`))
    const hiding = [...new Set(over)].filter((each) => !HIDES_NOTHING.includes(each))
    if (hiding.length === 0) return []
    if (index === 0) fewest = hiding
  }
  return fewest
}
