/** What lies in those folders of a tree whose entries are shown one by one. */
import { lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { LaunchError, visible } from '../../errors/index.js'
import type { TreeListing } from './root.js'

/** More than any folder of a system has on its way to a grant; each entry is a mount. */
const MAX_ENTRIES = 4096

/**
 * `folders`: inside, parents first. A folder that is none in the tree, or is reached by a link, has no entries.
 * @throws LaunchError when there are too many
 */
export function listTree(root: string, folders: readonly string[]): TreeListing {
  const listing: Record<string, Record<string, string>> = {}
  let count = 0
  for (const folder of folders) {
    if (!isReached(root, folder)) continue
    // whatever an image calls a file: `__proto__` is one
    const entries: Record<string, string> = Object.create(null)
    for (const name of readdirSync(join(root, folder))) {
      count += 1
      if (count > MAX_ENTRIES)
        throw new LaunchError(
          'launch.failed',
          `The root ${visible(root)} has more than ${MAX_ENTRIES} entries beside what is mounted in it, and each would be a mount of its own.`,
          `Grant and scratch folders in a folder of few entries: the last was counted in ${visible(folder)}.`,
        )
      entries[name] = kindOf(join(root, folder, name))
    }
    listing[folder] = entries
  }
  return listing
}

function isReached(root: string, folder: string): boolean {
  const names = folder.split('/').filter((name) => name !== '')
  return names.every((_, index) => kindOf(join(root, ...names.slice(0, index + 1))) === 'directory')
}

function kindOf(path: string): string {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return 'other'
  if (found.isSymbolicLink()) return `link:${readlinkSync(path)}`
  return found.isDirectory() ? 'directory' : found.isFile() ? 'file' : 'other'
}
