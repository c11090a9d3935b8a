/** What an image says of itself, in the words of the OCI image specification and of Docker's. All of it is hostile. Pure. */
import { ImageError, visible } from '../errors/index.js'

export interface Descriptor {
  /** `sha256:…` */
  readonly digest: string
  readonly bytes: number
  /** `null`: not said */
  readonly platform: Platform | null
  /** what an OCI layout calls it; `null`: nothing */
  readonly name: string | null
}

export interface Platform {
  readonly os: string
  /** as Go calls it, e.g. `amd64` */
  readonly architecture: string
  /** e.g. `v7`; empty: not said */
  readonly variant: string
}

export type Manifest =
  | { readonly kind: 'image'; readonly config: Descriptor; readonly layers: readonly Descriptor[] }
  | { readonly kind: 'index'; readonly manifests: readonly Descriptor[] }

export interface ImageConfig {
  /** `null`: not said */
  readonly platform: Platform | null
  /** digests of the layers as they are when unpacked */
  readonly diffIds: readonly string[]
}

export const MOST_MANIFEST = 4 << 20
const MOST_LAYERS = 127
const MOST_MANIFESTS = 1000
const DIGEST = /^sha256:[0-9a-f]{64}$/

/** @throws ImageError */
export function readManifest(bytes: Buffer): Manifest {
  const value = json(bytes, 'manifest')
  if (value.schemaVersion !== 2)
    throw malformed(
      'its manifest is of a version that is not read any more',
      'Push it again with a current tool.',
    )
  if (Array.isArray(value.manifests))
    return { kind: 'index', manifests: descriptors(value.manifests, MOST_MANIFESTS, 'manifests') }
  if (!Array.isArray(value.layers)) throw malformed('its manifest has no layers')
  return {
    kind: 'image',
    config: descriptor(value.config),
    layers: descriptors(value.layers, MOST_LAYERS, 'layers'),
  }
}

/** @throws ImageError */
export function readConfig(bytes: Buffer): ImageConfig {
  const value = json(bytes, 'configuration')
  const { diff_ids: ids } = map(value.rootfs)
  if (
    !Array.isArray(ids) ||
    ids.length > MOST_LAYERS ||
    !ids.every((id) => typeof id === 'string' && DIGEST.test(id))
  )
    throw malformed('its configuration does not say what its layers are')
  return { platform: platformOf(value), diffIds: ids as string[] }
}

/** `linux/arm64`, `linux/arm/v7`. @throws ImageError */
export function readPlatform(text: string): Platform {
  const [, os = '', architecture = '', variant = ''] =
    /^([a-z]+)\/([a-z0-9]+)(?:\/([a-z0-9]+))?$/.exec(text) ?? []
  if (os === 'linux') return { os, architecture, variant }
  throw new ImageError(
    'image.badPlatform',
    `${JSON.stringify(text)} is no platform that a sandbox runs.`,
    'Write one such as linux/amd64 or linux/arm64.',
  )
}

export function platformText({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter((part) => part !== '').join('/')
}

/** A variant that only one side names is no difference. */
export function isFor(platform: Platform, wanted: Platform): boolean {
  const variant = platform.variant === '' || wanted.variant === '' || platform.variant === wanted.variant
  return platform.os === wanted.os && platform.architecture === wanted.architecture && variant
}

/** The one of an index that is for this platform. @throws ImageError when there is none, or more than one */
export function chosen(manifests: readonly Descriptor[], wanted: Platform): Descriptor {
  const fitting = manifests.filter(({ platform }) => platform === null || isFor(platform, wanted))
  const [first, ...more] = new Map(fitting.map((each) => [each.digest, each])).values()
  const there = manifests.flatMap(({ platform }) =>
    platform === null ? [] : [visible(platformText(platform))],
  )
  if (first === undefined)
    throw new ImageError(
      'image.platform',
      `There is no image for ${platformText(wanted)}; it has ${[...new Set(there)].slice(0, 20).join(', ') || 'none'}.`,
      'Choose one of these with --platform; it runs where the machine is of that kind.',
    )
  if (more.length === 0) return first
  throw new ImageError(
    'image.ambiguous',
    `There are ${more.length + 1} images for ${platformText(wanted)} in it.`,
    'Keep one of them in the archive.',
  )
}

function json(bytes: Buffer, what: string): Record<string, unknown> {
  try {
    if (bytes.length <= MOST_MANIFEST) return map(JSON.parse(bytes.toString('utf8')))
  } catch {
    // said below
  }
  throw malformed(`its ${what} is no JSON object of reasonable size`)
}

function map(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw malformed('what it says of itself is malformed')
}

function descriptors(list: readonly unknown[], most: number, what: string): Descriptor[] {
  if (list.length > most) throw malformed(`it has ${list.length} ${what}; ${most} is the most`)
  return list.map(descriptor)
}

function descriptor(value: unknown): Descriptor {
  const { digest, size, platform, annotations } = map(value)
  if (typeof digest !== 'string' || !DIGEST.test(digest))
    throw malformed('a digest in it is none (sha256 is read)')
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw malformed('a size in it is none')
  const name = annotations === undefined ? undefined : map(annotations)['org.opencontainers.image.ref.name']
  return {
    digest,
    bytes: size,
    platform: platform === undefined ? null : platformOf(map(platform)),
    name: typeof name === 'string' && name.length <= 512 ? name : null,
  }
}

function platformOf({ os, architecture, variant }: Record<string, unknown>): Platform | null {
  const word = (value: unknown) =>
    typeof value === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(value) ? value : ''
  return word(architecture) === ''
    ? null
    : { os: word(os), architecture: word(architecture), variant: word(variant) }
}

function malformed(what: string, advice = 'Ask whoever made it.'): ImageError {
  return new ImageError('image.malformed', `The image can't be read: ${what}.`, advice)
}
