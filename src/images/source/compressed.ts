/** Compressed streams, known by their first bytes and not by what anybody calls them. */
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { ImageError } from '../../errors/index.js'

export type Compression = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2'

const MAGIC: readonly (readonly [Compression, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ['bzip2', [0x42, 0x5a, 0x68]],
]

export function compressionOf(first: Buffer): Compression {
  return MAGIC.find(([, magic]) => magic.every((byte, at) => first[at] === byte))?.[0] ?? 'none'
}

/** More than this many times as large, and more than {@link ALWAYS_BYTES}, is made to fill disks: gzip's own most is 1032. */
const MOST_RATIO = 250
const ALWAYS_BYTES = 64 << 20

/** The bytes as they were before they were compressed. @throws ImageError for a bomb, or what is not read */
export async function* unpacked(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const iterator = chunks[Symbol.asyncIterator]()
  const first = await iterator.next()
  if (first.done === true) return
  const given = { bytes: first.value.length }
  async function* all() {
    yield first.value as Buffer
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      given.bytes += next.value.length
      yield next.value
    }
  }
  const compression = compressionOf(first.value)
  if (compression === 'none') yield* all()
  else if (compression === 'gzip') yield* gunzipped(all(), given)
  else
    throw new ImageError(
      'image.compression',
      `It is compressed with ${compression}, which is not read.`,
      'For a layer: `skopeo copy --dest-compress-format gzip …`. For an archive: unpack it with that program first.',
    )
}

async function* gunzipped(
  chunks: AsyncIterable<Buffer>,
  given: { readonly bytes: number },
): AsyncGenerator<Buffer> {
  const source = Readable.from(chunks, { objectMode: false })
  const gunzip = createGunzip({ chunkSize: 1 << 18 })
  let failure: Error | null = null
  source.on('error', (error) => {
    failure = error
    gunzip.destroy(error)
  })
  let bytes = 0
  try {
    for await (const part of source.pipe(gunzip)) {
      bytes += part.length
      if (bytes > ALWAYS_BYTES && bytes > given.bytes * MOST_RATIO)
        throw new ImageError(
          'image.bomb',
          'The image is refused: a part of it unpacks to more than 250 times its size.',
          'Ask whoever made it.',
        )
      yield part as Buffer
    }
  } catch (error) {
    if (failure !== null) throw failure
    if (error instanceof ImageError) throw error
    throw new ImageError(
      'image.damaged',
      `It is damaged: ${(error as Error).message}.`,
      'Make or fetch it again.',
    )
  } finally {
    source.destroy()
    gunzip.destroy()
  }
}
