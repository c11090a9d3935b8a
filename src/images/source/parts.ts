/** What an image is made of, from whichever form it came in. Nothing in it has been unpacked yet. */
import { createHash } from 'node:crypto'
import { fstatSync, statSync } from 'node:fs'
import { ImageError, visible } from '../../errors/index.js'
import {
  chosen,
  type Descriptor,
  MOST_MANIFEST,
  type Platform,
  readConfig,
  readManifest,
} from '../manifest.js'
import { archiveSource } from './archive.js'
import { folderSource, range } from './files.js'
import { type Source, whole } from './source.js'

export interface Layer {
  /** of its bytes as they are here; `null`: nobody said */
  readonly digest: string | null
  /** of what they unpack to; `null`: nobody said */
  readonly diffId: string | null
  open(): AsyncIterable<Buffer>
}

export interface ImageParts {
  /** of its manifest; `null`: it has none until its layers are read */
  readonly digest: string | null
  readonly manifest: Buffer | null
  readonly config: Buffer | null
  readonly platform: Platform | null
  readonly layers: readonly Layer[]
  /** digests of the indexes that led to it */
  readonly aliases: readonly string[]
  /** what the archive calls it; `null`: nothing */
  readonly name: string | null
  close(): void
}

export const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** @param from a folder, or a file that is no longer compressed. @throws ImageError */
export async function partsOf(from: string, wanted: Platform): Promise<ImageParts> {
  const found = statSync(from, { throwIfNoEntry: false })
  if (found === undefined)
    throw new ImageError('image.notFound', `There is no ${visible(from)}.`, 'Correct the path.')
  if (found.isDirectory()) return fromLayout(folderSource(from), wanted, `${visible(from)} is no OCI layout`)
  const source = await archiveSource(from)
  try {
    if (source.names?.has('index.json') && source.names.has('oci-layout'))
      return await fromLayout(source, wanted, 'It is no OCI layout')
    if (source.names?.has('manifest.json')) return await fromDocker(source)
    return bare(source)
  } catch (error) {
    source.close()
    throw error
  }
}

const blob = (digest: string) => `blobs/sha256/${digest.slice('sha256:'.length)}`

/** https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md */
async function fromLayout(source: Source, wanted: Platform, otherwise: string): Promise<ImageParts> {
  const index = await whole(source, 'index.json', MOST_MANIFEST).catch((error) => {
    if (!(error instanceof ImageError) || error.code !== 'image.notFound') throw error
    throw new ImageError(
      'image.notFound',
      `${otherwise}: it has no index.json.`,
      'A folder that is a root already is used with `root: dir:PATH`.',
    )
  })
  const top = readManifest(index)
  if (top.kind === 'image') throw new ImageError('image.malformed', 'Its index.json is no index.')
  const first = chosen(top.manifests, wanted)
  return followed(source, first, wanted, (digest) => blob(digest), first.name)
}

/** From a manifest or an index, through no more than one further index, to the image. */
export async function followed(
  source: Source,
  descriptor: Pick<Descriptor, 'digest'>,
  wanted: Platform,
  fileOf: (digest: string) => string,
  name: string | null,
): Promise<ImageParts> {
  const aliases: string[] = []
  let { digest } = descriptor
  for (let hops = 0; hops < 3; hops++) {
    const bytes = await verified(source, fileOf(digest), digest)
    const manifest = readManifest(bytes)
    if (manifest.kind === 'image') return imageOf(source, { bytes, digest, aliases, name }, manifest, fileOf)
    aliases.push(digest)
    digest = chosen(manifest.manifests, wanted).digest
  }
  throw new ImageError('image.malformed', "The image can't be read: its indexes lead to indexes.")
}

async function imageOf(
  source: Source,
  {
    bytes,
    digest,
    aliases,
    name,
  }: { bytes: Buffer; digest: string; aliases: readonly string[]; name: string | null },
  manifest: { readonly config: Descriptor; readonly layers: readonly Descriptor[] },
  fileOf: (digest: string) => string,
): Promise<ImageParts> {
  const config = await verified(source, fileOf(manifest.config.digest), manifest.config.digest)
  const { platform, diffIds } = readConfig(config)
  if (diffIds.length !== manifest.layers.length)
    throw new ImageError(
      'image.malformed',
      "The image can't be read: its manifest and its configuration differ.",
    )
  const layers = manifest.layers.map(
    (layer, i): Layer => ({
      digest: layer.digest,
      diffId: diffIds[i] ?? null,
      open: () => source.open(fileOf(layer.digest)),
    }),
  )
  return { digest, manifest: bytes, config, platform, layers, aliases, name, close: () => source.close() }
}

/** @throws ImageError when the bytes are others than the digest says */
async function verified(source: Source, file: string, digest: string): Promise<Buffer> {
  const bytes = await whole(source, file, MOST_MANIFEST)
  if (digestOf(bytes) === digest) return bytes
  throw wrongDigest(digest)
}

export function wrongDigest(digest: string): ImageError {
  return new ImageError(
    'image.wrongDigest',
    `The image is refused: ${digest} is not the digest of what is there.`,
    'It was damaged or replaced on the way: fetch it again.',
  )
}

/** As `docker save` writes it: no manifest of a registry, and layers that are known by what they unpack to. */
async function fromDocker(source: Source): Promise<ImageParts> {
  const list = parsed(await whole(source, 'manifest.json', MOST_MANIFEST))
  const [image, ...more] = Array.isArray(list) ? list : []
  const { Config: file, Layers: files, RepoTags: tags } = (image ?? {}) as Record<string, unknown>
  if (more.length > 0)
    throw new ImageError(
      'image.ambiguous',
      `There are ${more.length + 1} images in it.`,
      'Save one of them alone.',
    )
  if (typeof file !== 'string' || !Array.isArray(files) || !files.every((each) => typeof each === 'string'))
    throw new ImageError('image.malformed', "The image can't be read: its manifest.json is malformed.")
  const config = await whole(source, file, MOST_MANIFEST)
  const { platform, diffIds } = readConfig(config)
  if (diffIds.length !== files.length)
    throw new ImageError(
      'image.malformed',
      "The image can't be read: its manifest and its configuration differ.",
    )
  const layers = diffIds.map(
    (diffId, i): Layer => ({ digest: null, diffId, open: () => source.open(String(files[i])) }),
  )
  const [name] = Array.isArray(tags) ? tags : []
  const manifest = manifestFor(config, diffIds)
  return {
    digest: digestOf(manifest),
    manifest,
    config,
    platform,
    layers,
    aliases: [],
    name: typeof name === 'string' ? name : null,
    close: () => source.close(),
  }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    throw new ImageError('image.malformed', "The image can't be read: its manifest.json is no JSON.")
  }
}

/** A tar archive of files: one layer, of which nothing is said. */
function bare(source: Source & { readonly fd: number }): ImageParts {
  const open = () => range(source.fd, 0, fstatSync(source.fd).size)
  const layers = [{ digest: null, diffId: null, open }]
  const nothing = { digest: null, manifest: null, config: null, platform: null, aliases: [], name: null }
  return { ...nothing, layers, close: () => source.close() }
}

/** For an image that came without: what it says follows from its content alone, so its digest does too. */
export function manifestFor(config: Buffer, diffIds: readonly string[]): Buffer {
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: {
        mediaType: 'application/vnd.oci.image.config.v1+json',
        digest: digestOf(config),
        size: config.length,
      },
      // sizes of what is unpacked are known when it is; nobody reads them here
      layers: diffIds.map((digest) => ({
        mediaType: 'application/vnd.oci.image.layer.v1.tar',
        digest,
        size: 0,
      })),
    }),
  )
}

/** Of files alone. Without a platform: nobody said one. */
export function configFor(diffIds: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify({ os: 'linux', rootfs: { type: 'layers', diff_ids: diffIds } }))
}
