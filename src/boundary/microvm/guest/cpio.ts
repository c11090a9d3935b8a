/**
 * A cpio archive as the kernel unpacks one into its first file system ("newc", see initramfs-buffer-format): the same bytes for the
 * same things. No times, no owner but root, and inodes in order. Pure.
 */

const MAGIC = '070701'
const FOLDER = 0o040000
const FILE = 0o100000
const ALIGNED = 4

export type CpioEntry =
  /** paths without a slash in front, parents first */
  | { readonly path: string; readonly kind: 'folder'; readonly mode: number }
  | { readonly path: string; readonly kind: 'file'; readonly mode: number; readonly content: Uint8Array }

export function cpioOf(entries: readonly CpioEntry[]): Buffer {
  return Buffer.concat([
    ...entries.flatMap((each, index) => entryOf(each, index + 1)),
    ...record('TRAILER!!!', 0, 0, Buffer.alloc(0), 1),
  ])
}

function entryOf(entry: CpioEntry, inode: number): Buffer[] {
  if (entry.path.includes('\0')) throw new RangeError('a NUL in a path of an archive')
  return entry.kind === 'folder'
    ? record(entry.path, inode, FOLDER | entry.mode, Buffer.alloc(0), 2)
    : record(entry.path, inode, FILE | entry.mode, entry.content, 1)
}

function record(path: string, inode: number, mode: number, content: Uint8Array, links: number): Buffer[] {
  const name = Buffer.from(`${path}\0`)
  const device = [0, 0, 0, 0]
  const [owner, time, check] = [[0, 0], 0, 0]
  const fields = [inode, mode, ...owner, links, time, content.length, ...device, name.length, check]
  const header = MAGIC + fields.map((value) => value.toString(16).padStart(8, '0')).join('')
  return [...padded(Buffer.concat([Buffer.from(header), name])), ...padded(content)]
}

function padded(bytes: Uint8Array): Buffer[] {
  return [Buffer.from(bytes), Buffer.alloc((ALIGNED - (bytes.length % ALIGNED)) % ALIGNED)]
}
