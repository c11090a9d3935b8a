/** An archive: which files it has, and each of them by where it begins. */
import { closeSync, fstatSync } from 'node:fs'
import { ImageError, visible } from '../../errors/index.js'
import { tarEntries } from '../tar/read.js'
import { openPlain, range } from './files.js'
import type { Source } from './source.js'

/** An archive of images has a few files a layer. What has more is a root file system, which is read as it streams. */
const MOST_NAMED = 4096
const MOST_HOPS = 8

interface Place {
  readonly at: number
  readonly size: number
  /** an older `docker save` links one layer's file to another's */
  readonly link: string | null
}

/** What a tar archive at `path` holds. The file stays open. */
export async function archiveSource(path: string): Promise<Source & { readonly fd: number }> {
  const fd = openPlain(path)
  try {
    const { size } = fstatSync(fd)
    const places = await placesIn(fd, size)
    return {
      fd,
      names: new Set(places.keys()),
      open(name) {
        const { at, size: bytes } = placeOf(places, name)
        return range(fd, at, bytes)
      },
      close: () => closeSync(fd),
    }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

async function placesIn(fd: number, size: number): Promise<Map<string, Place>> {
  const places = new Map<string, Place>()
  for await (const { path, type, offset, size: bytes, target } of tarEntries(range(fd, 0, size))) {
    const name = path.replace(/^(?:\.\/)+/, '').replace(/\/+$/, '')
    if (type === 'file') places.set(name, { at: offset, size: bytes, link: null })
    if (type === 'link') places.set(name, { at: 0, size: 0, link: resolved(name, target) })
    if (places.size > MOST_NAMED) break
  }
  return places
}

/** Within the archive, in letters: there is nothing else that it could lead to. */
function resolved(name: string, target: string): string {
  const steps = name.split('/').slice(0, -1)
  for (const step of target.split('/')) {
    if (step === '..') steps.pop()
    else if (step !== '' && step !== '.') steps.push(step)
  }
  return steps.join('/')
}

function placeOf(places: ReadonlyMap<string, Place>, name: string): Place {
  let place = places.get(name)
  for (let hops = 0; place !== undefined && place.link !== null && hops < MOST_HOPS; hops++)
    place = places.get(place.link)
  if (place !== undefined && place.link === null) return place
  throw new ImageError(
    'image.incomplete',
    `The archive has no file ${visible(name)}.`,
    'Make or fetch it again.',
  )
}
