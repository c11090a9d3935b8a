/**
 * An image as a disk: its tree in one read-only file system (erofs), for machines that can be shown no folder. Made once an image,
 * when first asked for; the same image gives the same bytes, whoever makes it.
 */
import { closeSync, constants, fchmodSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { ImageError } from '../errors/index.js'
import { locked } from './store/lock.js'
import type { ImageStore } from './store/store.js'
import { full, requireRoom, type Tell } from './unpack.js'

/** What takes a sandbox: a floor above starts those. */
export interface DiskWork {
  /** the tree into `into`, an empty folder, as `into/root.erofs`, of at most so many bytes. @throws ImageError */
  disk(tree: string, into: string, most: number): Promise<void>
  /** all that was written so far is on the disk */
  settle(folder: string): Promise<void>
}

export interface DiskOptions {
  readonly tell: Tell
  readonly signal: AbortSignal | null
}

/** As long as one may wait for another who makes a disk, s. */
const PATIENCE_S = 2 * 60 * 60

/** Absolute path of an image's disk, which is there then. @throws ImageError; nothing is left then */
export async function imageDisk(
  store: ImageStore,
  digest: string,
  work: DiskWork,
  { tell, signal }: DiskOptions,
): Promise<string> {
  const path = store.disk(digest)
  if (store.diskBytes(digest) !== null) return path
  const release = store.hold(digest)
  try {
    // not the lock under which names change: this takes as long as it takes, and twice at once would take twice the room
    await locked(join(store.place, 'disk-lock'), () => made(store, digest, work, tell), {
      patienceS: PATIENCE_S,
      signal,
    })
    return path
  } catch (error) {
    if (signal?.aborted) throw new ImageError('image.cancelled', 'It was cancelled; nothing was kept.')
    throw full(error)
  } finally {
    release()
  }
}

async function made(store: ImageStore, digest: string, work: DiskWork, tell: Tell): Promise<void> {
  const image = store.image(digest)
  if (image === null || store.diskBytes(digest) !== null) return
  const most = mostBytes(image)
  requireRoom(store.place, { bytes: most, files: 1 })
  tell('making the disk of the image')
  await store.staged(async (staging) => {
    const into = join(staging, 'disk')
    mkdirSync(into, { mode: 0o755 })
    await work.disk(store.tree(digest), into, most)
    const file = join(into, 'root.erofs')
    checkedDisk(file)
    await work.settle(into)
    await store.addDisk(digest, file)
  })
}

const BLOCK = 4096
/** An inode and a name of 255 bytes. */
const ENTRY = 64 + 12 + 255
const SUPERBLOCK = 1024 ** 2

/** No disk of such a tree is larger: each file begins a block. */
function mostBytes({ bytes, files }: { readonly bytes: number; readonly files: number }): number {
  return bytes + files * (BLOCK + ENTRY) + SUPERBLOCK
}

/** https://docs.kernel.org/filesystems/erofs.html: 1024 bytes in */
const [MAGIC, MAGIC_AT] = [0xe0f5e1e2, 1024]

/** A plain file of ours alone with the right beginning. What is in it only a machine's own kernel reads. */
function checkedDisk(file: string): void {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const found = fstatSync(fd)
    const first = Buffer.alloc(4)
    const ours = found.isFile() && found.uid === process.geteuid?.() && found.nlink === 1
    const whole = found.size > 0 && found.size % BLOCK === 0
    if (!ours || !whole || readSync(fd, first, 0, 4, MAGIC_AT) !== 4 || first.readUInt32LE() !== MAGIC)
      throw new ImageError(
        'image.failed',
        'mkfs.erofs made something that is no disk.',
        'Is it Debian’s own?',
      )
    fchmodSync(fd, 0o444)
  } finally {
    closeSync(fd)
  }
}
