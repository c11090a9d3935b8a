/** Headers of a tar archive in one plain form: GNU, owned by root, no attributes. Pure. */
import { BLOCK, type TarHeader } from './header.js'

const FLAGS = { file: '0', hardlink: '1', link: '2', folder: '5' } as const

export type WrittenHeader = Omit<TarHeader, 'type'> & { readonly type: keyof typeof FLAGS }

/** All blocks before the content. */
export function writeHeader(header: WrittenHeader): Buffer {
  const blocks: Buffer[] = []
  if (header.path.length > 100) blocks.push(...long('L', header.path))
  if (header.target.length > 100) blocks.push(...long('K', header.target))
  return Buffer.concat([...blocks, block(header, FLAGS[header.type])])
}

/** What fills the last block of content. */
export function padding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK)
}

export const END = Buffer.alloc(2 * BLOCK)

function long(flag: 'L' | 'K', text: string): Buffer[] {
  const content = Buffer.from(`${text}\0`, 'latin1')
  const name = { path: '././@LongLink', size: content.length, mode: 0o644, mtime: 0, target: '' }
  return [block(name, flag), content, padding(content.length)]
}

function block({ path, size, mode, mtime, target }: Omit<TarHeader, 'type'>, flag: string): Buffer {
  const bytes = Buffer.alloc(BLOCK)
  bytes.write(path.slice(0, 100), 0, 'latin1')
  for (const [value, at, length] of [
    [mode, 100, 8],
    [0, 108, 8],
    [0, 116, 8],
    [size, 124, 12],
    [Math.min(Math.max(Math.floor(mtime), 0), 0o77777777777), 136, 12],
  ] as const)
    bytes.write(value.toString(8).padStart(length - 1, '0'), at, 'latin1')
  bytes.write(flag, 156, 'latin1')
  bytes.write(target.slice(0, 100), 157, 'latin1')
  bytes.write('ustar  ', 257, 'latin1')
  bytes.fill(0x20, 148, 156)
  const sum = bytes.reduce((all, byte) => all + byte, 0)
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return bytes
}
