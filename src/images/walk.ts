/**
 * What stands in the tree when unpacking is over, whoever unpacked it and whatever it was given: plain files, folders and
 * links, of this user, on one file system, and nothing that would be more than a file on the host. Names are bytes.
 */
import { lstatSync } from 'node:fs'
import { chmod, lstat, opendir } from 'node:fs/promises'
import { ImageError, visible } from '../errors/index.js'
import { plainMode, tooLarge } from './layer.js'

export interface Walked {
  readonly bytes: number
  readonly files: number
}

const CLOSED = 0o7022

/** @throws ImageError for what may not be in a store */
export async function checkedTree(
  root: string,
  most: { readonly bytes: number; readonly files: number },
): Promise<Walked> {
  const top = lstatSync(root)
  const names = new Map<number, { seen: number; links: number }>()
  const walked = { bytes: 0, files: 0 }
  const pending: Buffer[] = [Buffer.from(root)]
  if (!top.isDirectory()) throw refused(Buffer.from(root), 'is no folder')
  await chmod(root, 0o755)
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    // as latin1 each byte is a character of its own: no name is altered on the way to lstat and back
    for await (const { name } of await opendir(folder, {
      encoding: 'latin1' as BufferEncoding,
      bufferSize: 256,
    })) {
      const path = Buffer.concat([folder, Buffer.from(`/${name}`, 'latin1')])
      const found = await lstat(path)
      if (found.dev !== top.dev) throw refused(path, 'is on another file system')
      if (found.uid !== top.uid) throw refused(path, 'belongs to somebody else')
      if (!found.isFile() && !found.isDirectory() && !found.isSymbolicLink())
        throw refused(path, 'is neither a file nor a folder nor a link')
      walked.files++
      if (found.isDirectory()) pending.push(path)
      if (found.isFile()) {
        const known = names.get(found.ino)
        if (known === undefined) walked.bytes += found.size
        if (found.nlink > 1) names.set(found.ino, { seen: (known?.seen ?? 0) + 1, links: found.nlink })
      }
      if (walked.files > most.files || walked.bytes > most.bytes) throw tooLarge('What it unpacked to')
      if (!found.isSymbolicLink()) await plain(path, found.mode, found.isDirectory())
    }
  }
  // one that has a name elsewhere would let somebody change what jobs execute
  for (const { seen, links } of names.values())
    if (seen !== links) throw refused(Buffer.from(root), 'has a file that is linked to from elsewhere')
  return walked
}

async function plain(path: Buffer, mode: number, folder: boolean): Promise<void> {
  const wanted = plainMode(folder ? 'folder' : 'file', mode)
  if ((mode & CLOSED) !== 0 || (mode & 0o7777) !== wanted) await chmod(path, wanted)
}

function refused(path: Buffer, what: string): ImageError {
  return new ImageError(
    'image.hostile',
    `The image is refused: ${visible(path.toString('utf8'))} ${what} after unpacking.`,
    'Ask whoever made it.',
  )
}
