/** A tar archive (GNU) of a few small things, the same bytes for the same things: no times, no owner but root. Pure. */

const BLOCK = 512
const FLAG = { file: '0', link: '2', folder: '5', longLink: 'K', longName: 'L' } as const
/** Of a name, and of where a link leads, bytes; what is longer comes in an entry before. */
const ROOM = 100

export type TarEntry =
  /** absolute paths, parents first */
  | { readonly path: string; readonly kind: 'folder'; readonly mode: number }
  | { readonly path: string; readonly kind: 'link'; readonly target: string }
  | { readonly path: string; readonly kind: 'file'; readonly mode: number; readonly content: Uint8Array }

export function tarOf(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(blocks), Buffer.alloc(2 * BLOCK)])
}

function blocks(entry: TarEntry): Buffer[] {
  const name = Buffer.from(`.${entry.path}${entry.kind === 'folder' && entry.path !== '/' ? '/' : ''}`)
  const target = Buffer.from(entry.kind === 'link' ? entry.target : '')
  const content = entry.kind === 'file' ? entry.content : Buffer.alloc(0)
  const mode = entry.kind === 'link' ? 0o777 : entry.mode
  return [
    ...(target.length > ROOM ? long('longLink', target) : []),
    ...(name.length > ROOM ? long('longName', name) : []),
    header(FLAG[entry.kind], name, mode, content.length, target),
    ...padded(content),
  ]
}

function long(kind: 'longLink' | 'longName', text: Buffer): Buffer[] {
  const content = Buffer.concat([text, Buffer.alloc(1)])
  const name = Buffer.from('././@LongLink')
  return [header(FLAG[kind], name, 0o644, content.length, Buffer.alloc(0)), ...padded(content)]
}

function padded(content: Uint8Array): Buffer[] {
  return [Buffer.from(content), Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]
}

function header(flag: string, name: Buffer, mode: number, size: number, target: Buffer): Buffer {
  const bytes = Buffer.alloc(BLOCK)
  const octal = (value: number, at: number, room: number) =>
    bytes.write(value.toString(8).padStart(room - 1, '0'), at)
  name.copy(bytes, 0, 0, ROOM)
  for (const [value, at, room] of [
    [mode, 100, 8],
    [0, 108, 8],
    [0, 116, 8],
    [size, 124, 12],
    [0, 136, 12],
  ] as const)
    octal(value, at, room)
  bytes.write(flag, 156)
  target.copy(bytes, 157, 0, ROOM)
  bytes.write('ustar  ', 257)
  // the checksum counts itself as spaces
  bytes.fill(0x20, 148, 156)
  const sum = bytes.reduce((all, byte) => all + byte, 0)
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return bytes
}
