/** Files by descriptor: what the folder holds was made by somebody who is not trusted. */
import { closeSync, constants, fstatSync, openSync, read } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ImageError, visible } from '../../errors/index.js'
import type { Source } from './source.js'

const CHUNK = 1 << 20

/** @throws ImageError for anything but a plain file, which a link to one is not */
export function openPlain(path: string): number {
  const name = visible(path)
  let fd: number
  try {
    // non-blocking: a fifo would be waited for without end
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new ImageError('image.notFound', `There is no file ${name}.`)
    if (code === 'ELOOP') throw new ImageError('image.notPlain', `${name} is a link, not a file.`)
    throw new ImageError('image.unreadable', `${name} can't be read: ${code}.`)
  }
  if (fstatSync(fd).isFile()) return fd
  closeSync(fd)
  throw new ImageError('image.notPlain', `${name} is not a plain file.`)
}

/** `count` bytes of an open file from `at` on; to its end where there are fewer. */
export async function* range(fd: number, at: number, count: number): AsyncGenerator<Buffer> {
  for (let left = count; left > 0; ) {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK, left))
    const { bytesRead } = await promisify(read)(fd, buffer, 0, buffer.length, at + count - left)
    if (bytesRead === 0) return
    left -= bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

/** An OCI layout that lies in a folder, or what skopeo left in one. */
export function folderSource(folder: string): Source {
  return {
    names: null,
    async *open(name) {
      const fd = openPlain(join(folder, name))
      try {
        yield* range(fd, 0, fstatSync(fd).size)
      } finally {
        closeSync(fd)
      }
    },
    close() {},
  }
}
