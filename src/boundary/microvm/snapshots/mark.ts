import { statSync } from 'node:fs'
import type { FileMark } from './key.js'

/** @throws ErrnoException when there is no such file */
export function markOf(path: string): FileMark {
  const { size, ino, mtimeNs, ctimeNs } = statSync(path, { bigint: true })
  return { path, bytes: Number(size), inode: `${ino}`, modified: `${mtimeNs}`, changed: `${ctimeNs}` }
}
