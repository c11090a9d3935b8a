/**
 * One header of a tar archive: ustar, GNU's and what PAX records say over it (pax(1), tar(5)). Names and link targets are
 * bytes, kept as latin1 text, so that none is altered. Pure.
 */
import { ImageError } from '../../errors/index.js'

export const BLOCK = 512

export interface TarHeader {
  readonly path: string
  readonly type: TarType
  /** bytes of content that follow */
  readonly size: number
  readonly mode: number
  /** seconds since 1970 */
  readonly mtime: number
  /** of a link; else empty */
  readonly target: string
}

/** `long-*`, `pax*`: no entry, but what is said of the next */
export type TarType =
  | 'file'
  | 'folder'
  | 'link'
  | 'hardlink'
  | 'device'
  | 'fifo'
  | 'long-path'
  | 'long-target'
  | 'pax'
  | 'pax-global'
  | 'unknown'

const TYPES: Readonly<Record<string, TarType>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'link',
  '3': 'device',
  '4': 'device',
  '5': 'folder',
  '6': 'fifo',
  L: 'long-path',
  K: 'long-target',
  x: 'pax',
  g: 'pax-global',
}

/** A number no archive needs more than: 1 PiB. */
const MOST = 2 ** 50

export function damagedTar(what: string): ImageError {
  return new ImageError('image.damaged', `The archive is damaged: ${what}.`, 'Make or fetch it again.')
}

/** `null`: a block of zeros, which ends an archive. @throws ImageError for what is no header */
export function readHeader(block: Buffer): TarHeader | null {
  if (block.every((byte) => byte === 0)) return null
  const sum = block.reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 0x20 : byte), 0)
  if (numeric(block, 148, 8) !== sum) throw damagedTar('a header has a wrong checksum')
  const ustar = block.toString('latin1', 257, 262) === 'ustar'
  const prefix = ustar && block[262] === 0 ? text(block, 345, 155) : ''
  const name = text(block, 0, 100)
  const type = TYPES[block.toString('latin1', 156, 157)] ?? 'unknown'
  const path = prefix === '' ? name : `${prefix}/${name}`
  return {
    path,
    // before ustar a folder was a file whose name ends with a slash
    type: type === 'file' && path.endsWith('/') ? 'folder' : type,
    size: numeric(block, 124, 12),
    mode: numeric(block, 100, 8) & 0o7777,
    mtime: numeric(block, 136, 12),
    target: text(block, 157, 100),
  }
}

function text(block: Buffer, at: number, length: number): string {
  const end = block.indexOf(0, at)
  return block.toString('latin1', at, end === -1 || end > at + length ? at + length : end)
}

/** Octal text, or with the first bit set a big-endian number (GNU). Negative ones, which only times have, are 0. */
function numeric(block: Buffer, at: number, length: number): number {
  const first = block[at] ?? 0
  if (first === 0xff) return 0
  let value = 0
  if ((first & 0x80) !== 0) {
    value = first & 0x7f
    for (let i = at + 1; i < at + length && value <= MOST; i++) value = value * 256 + (block[i] ?? 0)
  } else {
    const octal = text(block, at, length).trim()
    if (!/^[0-7]*$/.test(octal)) throw damagedTar('a number in a header is none')
    value = octal === '' ? 0 : Number.parseInt(octal, 8)
  }
  if (value > MOST) throw damagedTar('a number in a header is too large')
  return value
}

/** What PAX records say that matters here; owners, times and attributes are not kept. */
export interface PaxSaid {
  readonly path?: string
  readonly target?: string
  readonly size?: number
}

/** `LENGTH KEY=VALUE\n`, again and again. @throws ImageError */
export function readPax(bytes: Buffer): PaxSaid {
  const said: { path?: string; target?: string; size?: number } = {}
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at)
    const digits = space === -1 ? '' : bytes.toString('latin1', at, space)
    const end = at + Number(digits)
    if (!/^[1-9][0-9]{0,8}$/.test(digits) || end > bytes.length || end <= space || bytes[end - 1] !== 0x0a)
      throw damagedTar('a PAX record is malformed')
    const record = bytes.toString('latin1', space + 1, end - 1)
    const equals = record.indexOf('=')
    if (equals < 1) throw damagedTar('a PAX record is malformed')
    take(said, record.slice(0, equals), record.slice(equals + 1))
    at = end
  }
  return said
}

function take(said: { path?: string; target?: string; size?: number }, key: string, value: string): void {
  if (key.startsWith('GNU.sparse')) throw damagedTar('it has a sparse file, which this version does not read')
  if ((key === 'path' || key === 'linkpath') && value.includes('\0')) throw damagedTar('a name holds a NUL')
  if (key === 'path') said.path = value
  if (key === 'linkpath') said.target = value
  if (key !== 'size') return
  if (!/^[0-9]{1,16}$/.test(value) || Number(value) > MOST) throw damagedTar('a PAX size is none')
  said.size = Number(value)
}
