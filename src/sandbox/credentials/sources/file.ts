import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import { CredentialError } from '../../../errors/index.js'
import { type Given, MOST_GIVEN } from './world.js'

/** Which file it was, and which contents: another answer is another value. */
export type FileStamp = string

/**
 * Reads a secret from a file of its owner. What is looked at is the descriptor that is read, so that nothing can be swapped in between.
 * @param shared whether group or others may read it
 * @throws CredentialError when it is missing, a link, no plain file, somebody else's, or open to others
 */
export function readSecretFile(path: string, shared: boolean): Given & { readonly stamp: FileStamp } {
  const fd = open(path)
  try {
    const stats = fstatSync(fd)
    const fault = faultOf(stats, shared)
    if (fault !== null) throw new CredentialError('credential.file', `the file ${path} ${fault[0]}`, fault[1])
    const bytes = Buffer.alloc(MOST_GIVEN + 1)
    let length = 0
    for (let got = -1; got !== 0 && length < bytes.length; length += got)
      got = readSync(fd, bytes, length, bytes.length - length, null)
    if (length > MOST_GIVEN)
      throw new CredentialError('credential.file', `the file ${path} has more than ${MOST_GIVEN} bytes.`)
    if (stampOf(fstatSync(fd)) !== stampOf(stats))
      throw new CredentialError(
        'credential.file',
        `the file ${path} changed while it was read.`,
        'Write a new file and rename it.',
      )
    return { text: bytes.toString('latin1', 0, length), from: `the file ${path}`, stamp: stampOf(stats) }
  } finally {
    closeSync(fd)
  }
}

/** Whether the path still leads to the contents that were read; a file that can't be opened any more has changed. */
export function isUnchanged(path: string, stamp: FileStamp): boolean {
  try {
    const fd = open(path)
    try {
      return stampOf(fstatSync(fd)) === stamp
    } finally {
      closeSync(fd)
    }
  } catch {
    return false
  }
}

function open(path: string): number {
  try {
    // O_NOFOLLOW: a link could be pointed elsewhere by whoever owns it; O_NONBLOCK: a fifo would wait for a writer for ever
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ELOOP')
      throw new CredentialError(
        'credential.file',
        `the file ${path} is a symbolic link.`,
        'Name the file itself.',
      )
    throw new CredentialError(
      'credential.file',
      `the file ${path} cannot be read (${code ?? 'unknown error'}).`,
    )
  }
}

function faultOf(stats: Stats, shared: boolean): readonly [what: string, advice: string] | null {
  if (!stats.isFile()) return ['is not a plain file.', 'Name a file, or write a command.']
  const me = process.geteuid?.() ?? 0
  if (stats.uid !== me && stats.uid !== 0)
    return [
      'belongs to another user, who could change it.',
      'Let it belong to the user that Glovebox runs as, or to root.',
    ]
  if ((stats.mode & 0o022) !== 0) return ['can be written by others.', 'chmod 600 it.']
  return (stats.mode & 0o044) !== 0 && !shared
    ? ['can be read by others.', 'chmod 600 it, or write `shared: true` beside `file`.']
    : null
}

function stampOf({ dev, ino, mtimeMs, ctimeMs, size }: Stats): FileStamp {
  return [dev, ino, mtimeMs, ctimeMs, size].join(':')
}
