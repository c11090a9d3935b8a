/** From the parts of an image to a layout that holds nothing but plain layers, and from that to a tree. */
import { createHash } from 'node:crypto'
import { mkdirSync, renameSync, statfsSync, writeFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { ImageError } from '../errors/index.js'
import { type Budget, type Dropped, plainLayer } from './layer.js'
import { compressionOf, unpacked } from './source/compressed.js'
import { configFor, digestOf, type ImageParts, type Layer, manifestFor, wrongDigest } from './source/parts.js'

export interface ImageLimits {
  /** all files of all layers, bytes */
  readonly bytes: number
  /** entries of all layers */
  readonly files: number
}

export const DEFAULT_LIMITS: ImageLimits = { bytes: 16 * 1024 ** 3, files: 1_000_000 }

/** Told now and then, for a person who waits. */
export type Tell = (what: string) => void

export interface Layout {
  /** digests of the original layers, unpacked: known, and checked where somebody had said them */
  readonly diffIds: readonly string[]
  readonly dropped: Dropped
  /** of all that will be unpacked */
  readonly spent: { readonly bytes: number; readonly files: number }
}

/** The reference in it. */
export const LAYOUT_NAME = 'image'

/** What tar adds to a file, at most, and to the end. */
const OVERHEAD = 8192

/** Checks every layer against what was said of it, and writes it anew. @throws ImageError; the folder is the caller's to remove */
export async function writeLayout(
  parts: ImageParts,
  folder: string,
  limits: ImageLimits,
  tell: Tell,
): Promise<Layout> {
  const budget: Budget = { ...limits }
  const dropped: Dropped = { special: 0, bits: 0 }
  const blobs = join(folder, 'blobs/sha256')
  mkdirSync(blobs, { recursive: true, mode: 0o755 })
  const raw = { bytes: limits.bytes + limits.files * OVERHEAD }
  const layers: { readonly digest: string; readonly size: number; readonly diffId: string }[] = []
  for (const [i, layer] of parts.layers.entries()) {
    const telling = (bytes: number) =>
      tell(`layer ${i + 1} of ${parts.layers.length}, ${Math.round(bytes / 2 ** 20)} MiB`)
    layers.push(await rewritten(layer, blobs, { budget, dropped, raw }, telling))
  }
  const ids = layers.map(({ digest }) => digest)
  const put = (bytes: Buffer) => {
    writeFileSync(join(blobs, digestOf(bytes).slice('sha256:'.length)), bytes, { mode: 0o644 })
    return { digest: digestOf(bytes), size: bytes.length }
  }
  put(configFor(ids))
  const manifest = JSON.parse(manifestFor(configFor(ids), ids).toString()) as { layers: { size: number }[] }
  for (const [i, each] of manifest.layers.entries()) each.size = layers[i]?.size ?? 0
  const descriptor = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    ...put(Buffer.from(JSON.stringify(manifest))),
    annotations: { 'org.opencontainers.image.ref.name': LAYOUT_NAME },
  }
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [descriptor] }))
  writeFileSync(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  return {
    diffIds: layers.map(({ diffId }) => diffId),
    dropped,
    spent: { bytes: limits.bytes - budget.bytes, files: limits.files - budget.files },
  }
}

interface Allowance {
  readonly budget: Budget
  readonly dropped: Dropped
  /** of the archives themselves, names and all, bytes */
  readonly raw: { bytes: number }
}

async function rewritten(
  layer: Layer,
  blobs: string,
  { budget, dropped, raw }: Allowance,
  tell: (bytes: number) => void,
) {
  const [given, diff, plain] = [createHash('sha256'), createHash('sha256'), createHash('sha256')]
  const through = async function* (
    chunks: AsyncIterable<Buffer>,
    hash: typeof given,
    spent: (bytes: number) => void,
  ) {
    for await (const chunk of chunks) {
      hash.update(chunk)
      spent(chunk.length)
      yield chunk
    }
  }
  const spend = (bytes: number) => {
    raw.bytes -= bytes
    if (raw.bytes < 0)
      throw new ImageError(
        'image.tooLarge',
        'A layer is larger than an image may be.',
        '--max-size allows more.',
      )
  }
  const bytes = through(unpacked(through(layer.open(), given, () => {})), diff, spend)
  const temporary = join(blobs, 'new')
  const file = await open(temporary, 'w', 0o644)
  let size = 0
  try {
    for await (const chunk of plainLayer(bytes, budget, dropped)) {
      plain.update(chunk)
      await written(file, chunk)
      size += chunk.length
      tell(size)
    }
  } finally {
    await file.close()
  }
  const hex = (hash: typeof given) => hash.digest('hex')
  const [givenHex, diffHex, plainHex] = [hex(given), hex(diff), hex(plain)]
  if (layer.digest !== null && layer.digest !== `sha256:${givenHex}`) throw wrongDigest(layer.digest)
  if (layer.diffId !== null && layer.diffId !== `sha256:${diffHex}`) throw wrongDigest(layer.diffId)
  renameSync(temporary, join(blobs, plainHex))
  return { digest: `sha256:${plainHex}`, size, diffId: `sha256:${diffHex}` }
}

async function written(file: FileHandle, chunk: Buffer): Promise<void> {
  try {
    await file.writeFile(chunk)
  } catch (error) {
    throw full(error)
  }
}

/** A full disk is said as such; anything else is passed on. */
export function full(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error
  return new ImageError(
    'image.diskFull',
    'There is no room left in the store.',
    '`glovebox image rm` makes some; nothing of this image was kept.',
  )
}

/** @throws ImageError when what was counted does not fit any more */
export function requireRoom(place: string, { bytes, files }: Layout['spent']): void {
  const { bavail, bsize, ffree, files: inodes } = statfsSync(place)
  if (bavail * bsize > bytes && (inodes === 0 || ffree > files)) return
  throw full({ code: 'ENOSPC' })
}

/** The file itself, or what it is when it is no longer compressed, in a folder of ours. */
export async function plainArchive(
  open_: () => AsyncIterable<Buffer>,
  into: string,
  limits: ImageLimits,
): Promise<string | null> {
  let first: Buffer | null = null
  for await (const chunk of open_()) {
    first = chunk
    break
  }
  if (first === null) throw new ImageError('image.malformed', 'The file is empty.')
  if (compressionOf(first) === 'none') return null
  const path = join(into, 'archive')
  const file = await open(path, 'wx', 0o600)
  let left = limits.bytes + limits.files * OVERHEAD
  try {
    for await (const chunk of unpacked(open_())) {
      left -= chunk.length
      if (left < 0)
        throw new ImageError(
          'image.tooLarge',
          'The archive is larger than an image may be.',
          '--max-size allows more.',
        )
      await written(file, chunk)
    }
  } finally {
    await file.close()
  }
  return path
}
