import { ImageError, visible } from '../../errors/index.js'

/** Named plain files, wherever they lie: in a folder or in an archive. */
export interface Source {
  readonly names: ReadonlySet<string> | null
  /** @throws ImageError when there is no such plain file */
  open(name: string): AsyncIterable<Buffer>
  close(): void
}

/** All of a small one. @throws ImageError when it is larger than `most` */
export async function whole(source: Source, name: string, most: number): Promise<Buffer> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of source.open(name)) {
    bytes += part.length
    if (bytes > most)
      throw new ImageError('image.malformed', `The image can't be read: ${visible(name)} is too large.`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}
