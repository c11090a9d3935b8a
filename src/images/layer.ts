/**
 * A layer as its maker wrote it, made plain before anything else reads it: files, folders and links with names that stay
 * within the tree. What a root has no use for is left out and counted; what only an attacker writes is refused.
 */
import { ImageError, visible } from '../errors/index.js'
import type { TarHeader } from './tar/header.js'
import { type TarEntry, tarEntries } from './tar/read.js'
import { END, padding, type WrittenHeader, writeHeader } from './tar/write.js'

/** What all layers of an image may come to; counted down as they are read. */
export interface Budget {
  bytes: number
  files: number
}

/** What was left out, or changed. */
export interface Dropped {
  /** devices, fifos and what has no name */
  special: number
  /** setuid, setgid and sticky bits */
  bits: number
}

const MOST_PATH = 2048
const MOST_TARGET = 4095
/** A header can say more only in ways that not every program reads. */
const MOST_FILE = 8 * 1024 ** 3 - 1

/** The same layer in one plain form. @throws ImageError when it is damaged, hostile, or more than the budget */
export async function* plainLayer(
  chunks: AsyncIterable<Buffer>,
  budget: Budget,
  dropped: Dropped,
): AsyncGenerator<Buffer> {
  for await (const entry of tarEntries(chunks)) {
    const plain = plainEntry(entry, dropped)
    if (plain === null) continue
    spend(budget, plain)
    yield writeHeader(plain)
    if (plain.type !== 'file') continue
    yield* entry.content()
    yield padding(plain.size)
  }
  yield END
}

/** `null`: it is left out. */
export function plainEntry(entry: TarEntry | TarHeader, dropped: Dropped): WrittenHeader | null {
  const { type, size, mtime, mode } = entry
  const path = within(entry.path)
  if (type === 'device' || type === 'fifo') {
    dropped.special++
    return null
  }
  if (type !== 'file' && type !== 'folder' && type !== 'link' && type !== 'hardlink')
    throw hostile(`${visible(path)} is of a kind that this version does not read`)
  if (path === '') {
    if (type === 'folder') return null
    throw hostile('the root itself is no folder')
  }
  if ((mode & 0o7000) !== 0 && type !== 'link') dropped.bits++
  const common = { path, size: type === 'file' ? size : 0, mtime, mode: plainMode(type, mode) }
  if (type === 'file' && size > MOST_FILE) throw tooLarge('A file in it')
  if (type === 'hardlink') return { ...common, type, target: within(entry.target) }
  if (type !== 'link') return { ...common, type, target: '' }
  if (entry.target === '' || entry.target.length > MOST_TARGET)
    throw hostile(`${visible(path)} is a link to nowhere`)
  return { ...common, type, target: entry.target }
}

/** A tree is read-only, and all of it is there to be read: by a job that owns nothing of it. */
export function plainMode(type: 'file' | 'folder' | 'link' | 'hardlink', mode: number): number {
  if (type === 'link') return 0o777
  return type === 'folder' || (mode & 0o111) !== 0 ? 0o755 : 0o644
}

/** Relative, without `.` and empty steps. The order of the checks is that of harm. */
function within(path: string): string {
  const steps = path.split('/').filter((step) => step !== '' && step !== '.')
  if (steps.includes('..')) throw hostile(`${visible(path)} leads out of the tree`)
  if (path.includes('\0')) throw hostile('a name holds a NUL')
  const plain = steps.join('/')
  if (plain.length > MOST_PATH || steps.some((step) => step.length > 255)) throw hostile('a name is too long')
  return plain
}

function spend(budget: Budget, { size }: WrittenHeader): void {
  budget.bytes -= size
  budget.files -= 1
  if (budget.bytes < 0) throw tooLarge('What it unpacks to')
  if (budget.files < 0)
    throw new ImageError('image.tooManyFiles', 'The image has more files than an image may have.', '')
}

export function tooLarge(what: string): ImageError {
  return new ImageError(
    'image.tooLarge',
    `${what} is larger than an image may be.`,
    'If you know what it holds, --max-size allows more.',
  )
}

function hostile(what: string): ImageError {
  return new ImageError('image.hostile', `The image is refused: ${what}.`, 'Ask whoever made it.')
}
