/** The entries of a tar archive as it streams by. */
import { Bytes } from './bytes.js'
import { BLOCK, damagedTar, type PaxSaid, readHeader, readPax, type TarHeader } from './header.js'

/** Of names and of PAX records, which may hold attributes. */
const MOST_SAID = 1 << 20

export interface TarEntry extends TarHeader {
  /** where its content begins in the archive, bytes */
  readonly offset: number
  /** once, and before the next entry is asked for; what is not read is skipped */
  content(): AsyncGenerator<Buffer>
}

const padded = (size: number) => Math.ceil(size / BLOCK) * BLOCK

/** What was said of the next entry, by entries that are none. */
interface Said extends PaxSaid {
  readonly longPath?: string
  readonly longTarget?: string
}

/** @throws ImageError for what is no archive; each entry may be hostile, the archive as a whole is well-formed */
export async function* tarEntries(
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
): AsyncGenerator<TarEntry> {
  const bytes = new Bytes(chunks)
  let said: Said = {}
  let at = 0
  for (;;) {
    const block = await bytes.exactly(BLOCK)
    const header = block === null ? null : readHeader(block)
    if (header === null) break
    at += BLOCK
    if (isAbout(header)) {
      if (header.size > MOST_SAID) throw damagedTar('a name is too long')
      const content = await bytes.exactly(padded(header.size))
      said = { ...said, ...about(header, (content ?? Buffer.alloc(0)).subarray(0, header.size)) }
      at += padded(header.size)
      continue
    }
    const whole = entry(header, said)
    const left = { count: whole.size }
    yield { ...whole, offset: at, content: () => content(bytes, left) }
    await bytes.skip(left.count + padded(whole.size) - whole.size)
    at += padded(whole.size)
    said = {}
  }
  // what comes behind the end has a part in the digest all the same
  await bytes.drain()
}

const isAbout = ({ type }: TarHeader) => type.startsWith('long-') || type.startsWith('pax')

function about({ type }: TarHeader, content: Buffer): Said {
  const name = () => content.toString('latin1').split('\0', 1).join('')
  if (type === 'long-path') return { longPath: name() }
  if (type === 'long-target') return { longTarget: name() }
  const pax = readPax(content)
  // one name for every entry means nothing, and programs differ in what they make of it
  if (type === 'pax-global' && Object.keys(pax).length > 0) throw damagedTar('a global record names files')
  return pax
}

/** Links and folders have no content, whatever their header says: as GNU tar and Go read them. */
function entry(header: TarHeader, said: Said): TarHeader {
  const bare = header.type !== 'file' && header.type !== 'unknown'
  return {
    ...header,
    path: said.path ?? said.longPath ?? header.path,
    target: said.target ?? said.longTarget ?? header.target,
    size: bare ? 0 : (said.size ?? header.size),
  }
}

async function* content(bytes: Bytes, left: { count: number }): AsyncGenerator<Buffer> {
  while (left.count > 0) {
    const part = await bytes.some(left.count)
    if (part === null) throw damagedTar('it ends too early')
    left.count -= part.length
    yield part
  }
}
