import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { UsageError, visible } from '../errors/index.js'
import { RECEIPT_BYTES, type ReadReceipt, readReceipt } from '../proof/index.js'

/** Reads a receipt: a plain file, bounded. @throws UsageError that says what is wrong with it */
export function receiptIn(file: string): ReadReceipt {
  const wrong = (what: string) =>
    new UsageError(
      'receipt.unreadable',
      `--check ${visible(file)}: ${what}`,
      'Name a file that --receipt wrote.',
    )
  const fd = opened(file, wrong)
  try {
    if (!fstatSync(fd).isFile()) throw wrong('that is not a plain file.')
    // one byte more than allowed: a file that grows is still bounded
    const bytes = Buffer.alloc(RECEIPT_BYTES + 1)
    let length = 0
    for (let got = -1; got !== 0 && length < bytes.length; length += got)
      got = readSync(fd, bytes, length, bytes.length - length, null)
    if (length > RECEIPT_BYTES) throw wrong(`it has more than ${RECEIPT_BYTES} bytes, and no receipt has.`)
    return readReceipt(bytes.toString('utf8', 0, length), file)
  } finally {
    closeSync(fd)
  }
}

function opened(file: string, wrong: (what: string) => UsageError): number {
  try {
    // O_NONBLOCK: opening a FIFO would wait for a writer for ever
    return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw wrong(
      code === 'ENOENT' ? 'there is no such file.' : `it cannot be read (${code ?? 'unknown error'}).`,
    )
  }
}
