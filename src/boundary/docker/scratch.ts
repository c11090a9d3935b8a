/** What of the policy's bound on scratch each folder may hold. Pure. */
import type { Plan } from '../../plan/index.js'

export interface Share {
  readonly place: string
  readonly bytes: number
  readonly inodes: number
}

/** A tmpfs has at least its own root, and a page. */
const LEAST_BYTES = 64 * 1024
const LEAST_INODES = 16

/**
 * An engine can't give several folders one bound. So the bound is divided: half of it is the work directory's, in whichever folder that
 * lies, and the others have the rest in equal parts. Together they never hold more than the policy says.
 */
export function shares({ scratch, workdir }: Pick<Plan, 'files'>['files']): Share[] {
  const { places, bytes, inodes } = scratch
  const holds = (place: string) => workdir === place || workdir.startsWith(`${place}/`)
  const first = places.filter(holds).sort((a, b) => b.length - a.length)[0] ?? places[0]
  const others = places.length - 1
  const part = (all: number, place: string, least: number) => {
    if (others === 0) return all
    return Math.max(least, Math.floor(place === first ? all / 2 : all / 2 / others))
  }
  return places.map((place) => ({
    place,
    bytes: part(bytes, place, LEAST_BYTES),
    inodes: part(inodes, place, LEAST_INODES),
  }))
}
