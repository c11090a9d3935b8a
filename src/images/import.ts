/** An image from a file or a folder into the store: checked, made plain, unpacked in a sandbox, checked again, and only then there. */
import { closeSync, fstatSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ImageError } from '../errors/index.js'
import { imageReference, referenceText } from '../policy/index.js'
import { isFor, type Platform, platformText } from './manifest.js'
import { openPlain, range } from './source/files.js'
import { configFor, digestOf, type ImageParts, manifestFor, partsOf } from './source/parts.js'
import type { ImageStore, StoredImage } from './store/store.js'
import {
  full,
  type ImageLimits,
  LAYOUT_NAME,
  plainArchive,
  requireRoom,
  type Tell,
  writeLayout,
} from './unpack.js'
import { checkedTree } from './walk.js'

/** What takes a sandbox: a floor above starts those. */
export interface ImageWork {
  /** the layout's one image into `into`, which is an empty folder, as `into/root`; at most so much. @throws ImageError */
  unpack(
    layout: string,
    into: string,
    name: string,
    most: { readonly bytes: number; readonly files: number },
  ): Promise<void>
  /** all that was written so far is on the disk */
  settle(folder: string): Promise<void>
}

export interface ImportOptions {
  /** canonical; `null`: as the archive says, or none */
  readonly name: string | null
  readonly platform: Platform
  readonly limits: ImageLimits
  readonly from: string
  readonly tell: Tell
}

/** @param path a layout's folder, or an archive. @throws ImageError; nothing is left then */
export function importImage(
  store: ImageStore,
  path: string,
  work: ImageWork,
  options: ImportOptions,
): Promise<StoredImage> {
  return store
    .staged(async (staging) => {
      const parts = await partsOf(await readable(path, staging, options), options.platform)
      try {
        return await keep(store, staging, parts, work, options)
      } finally {
        parts.close()
      }
    })
    .catch((error: unknown) => {
      throw full(error)
    })
}

async function readable(path: string, staging: string, { limits, tell }: ImportOptions): Promise<string> {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return path
  const fd = openPlain(path)
  try {
    tell('reading the archive')
    return (await plainArchive(() => range(fd, 0, fstatSync(fd).size), staging, limits)) ?? path
  } finally {
    closeSync(fd)
  }
}

/** From the parts, wherever they came from, to a name in the store. `staging` is a folder of the caller's. */
export async function keep(
  store: ImageStore,
  staging: string,
  parts: ImageParts,
  work: ImageWork,
  { name: wanted, platform, limits, from, tell }: ImportOptions,
): Promise<StoredImage> {
  requirePlatform(parts.platform, platform)
  const name = wanted ?? ownName(parts.name)
  const known = parts.digest === null ? null : store.image(parts.digest)
  if (known !== null) {
    const image = { ...known, aliases: parts.aliases }
    await store.publish(null, image, name)
    return known
  }
  const layout = join(staging, 'layout')
  const made = await writeLayout(parts, layout, limits, tell)
  const config = parts.config ?? configFor(made.diffIds)
  const manifest = parts.manifest ?? manifestFor(config, made.diffIds)
  requireRoom(store.place, made.spent)
  tell('unpacking')
  const folder = join(staging, 'image')
  mkdirSync(folder, { mode: 0o755 })
  await work.unpack(layout, folder, LAYOUT_NAME, made.spent)
  rmSync(layout, { recursive: true })
  tell('checking')
  const { bytes, files } = await checkedTree(join(folder, 'root'), limits)
  const image: StoredImage = {
    digest: digestOf(manifest),
    aliases: parts.aliases,
    platform: parts.platform === null ? null : platformText(parts.platform),
    bytes,
    files,
    layers: parts.layers.length,
    dropped: made.dropped,
    importedAt: new Date().toISOString(),
    from,
  }
  writeFileSync(join(folder, 'manifest.json'), manifest, { mode: 0o600 })
  writeFileSync(join(folder, 'config.json'), config, { mode: 0o600 })
  writeFileSync(join(folder, 'image.json'), JSON.stringify(image), { mode: 0o600 })
  await work.settle(folder)
  await store.publish(folder, image, name)
  return image
}

/** What an archive calls its image, where that is a name; a tag alone, as skopeo and umoci write it, is none. */
function ownName(text: string | null): string | null {
  if (text === null || !/[/:]/.test(text)) return null
  const reference = imageReference(text)
  return 'what' in reference || reference.path === null || reference.digest !== null
    ? null
    : referenceText(reference)
}

function requirePlatform(platform: Platform | null, wanted: Platform): void {
  if (platform === null || isFor(platform, wanted)) return
  throw new ImageError(
    'image.platform',
    `The image is for ${platformText(platform)}, not ${platformText(wanted)}.`,
    `Import one for this machine, or with --platform ${platformText(platform)} this one, which does not run here.`,
  )
}
