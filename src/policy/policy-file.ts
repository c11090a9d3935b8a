import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import { PolicyError } from '../errors/index.js'
import { SOURCE_BYTES } from './bounds.js'
import { problemAt } from './problems.js'

/**
 * Reads one policy file: a plain file, bounded, UTF-8.
 * @param trusted says what is wrong with the opened file's owner or mode; asked of the descriptor, not of the name
 * @returns `null` when there is no such file
 * @throws PolicyError when it can't be read
 */
export function readPolicyFile(file: string, trusted?: (stats: Stats) => string | null): string | null {
  const fd = open(file)
  if (fd === null) return null
  try {
    const stats = fstatSync(fd)
    if (stats.isDirectory())
      throw unreadable(file, 'that is a folder.', undefined, 'Name a policy file in it.')
    if (!stats.isFile()) throw unreadable(file, 'that is not a plain file.')
    const distrust = trusted?.(stats) ?? null
    if (distrust !== null) throw unreadable(file, distrust, 'policy.ceilingUntrusted')
    // one byte more than allowed: a file that grows after fstat is still bounded
    const bytes = Buffer.alloc(SOURCE_BYTES + 1)
    let length = 0
    for (let got = -1; got !== 0 && length < bytes.length; length += got)
      got = readSync(fd, bytes, length, bytes.length - length, null)
    if (length > SOURCE_BYTES)
      throw unreadable(file, `it has more than ${SOURCE_BYTES} bytes.`, 'policy.tooLarge')
    return decode(file, bytes.subarray(0, length))
  } finally {
    closeSync(fd)
  }
}

function open(file: string): number | null {
  try {
    // O_NONBLOCK: opening a FIFO would wait for a writer for ever
    return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT') return null
    throw unreadable(file, `it cannot be read (${code ?? 'unknown error'}).`)
  }
}

function decode(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw unreadable(file, 'it is not UTF-8 text.')
  }
}

/** The file's name stands before `what` already. */
function unreadable(file: string, what: string, code = 'policy.unreadable', advice = ''): PolicyError {
  return fileError(file, code, what, advice)
}

/** A problem with a policy file as a whole. */
export function fileError(file: string, code: string, what: string, advice = ''): PolicyError {
  return new PolicyError([problemAt({ source: file, line: null, column: null }, code, [], what, advice)])
}
