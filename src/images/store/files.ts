/** What is read of a store's files. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { ImageError } from '../../errors/index.js'

/** `null`: it is not there. @throws ImageError */
export function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw new ImageError('image.unreadable', `${file} can't be read: ${code}.`)
  }
}

/** Names in a folder; none where there is no folder yet. @throws ImageError */
export function entries(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new ImageError(
      'image.unreadable',
      `${folder} can't be read: ${(error as NodeJS.ErrnoException).code}.`,
    )
  }
}

/** Since it was last changed, ms. */
export function ageOf(path: string): number {
  return Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0)
}
