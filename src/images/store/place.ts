/**
 * Where images lie, one folder a user:
 *
 *     names/SHA256-OF-NAME     what a name stands for, and the name
 *     images/SHA256/           one image: its tree in root/, and what it is in image.json, manifest.json, config.json;
 *                              the same tree as a disk in root.erofs, once a machine has needed it
 *     uses/SHA256.MARK.RANDOM  somebody runs from it now
 *     staging/MARK.RANDOM/     being made
 *     removed/SHA256.RANDOM/   no name stands for it any more; goes when nobody uses it
 *     lock                     held while names and images change
 *     disk-lock                held while a disk is made
 *
 * Names and images appear and go by one rename each, so that there is no moment in which a crash leaves half of one.
 */
import { lstatSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ImageError } from '../../errors/index.js'
import { dataPlace } from '../../host/index.js'

export const FOLDERS = ['names', 'images', 'uses', 'staging', 'removed'] as const
export type StoreFolder = (typeof FOLDERS)[number]

/** @throws ImageError when there is no place for one */
export function storePlace(uid: number, env: Readonly<Record<string, string | undefined>>): string {
  const place = dataPlace('images', uid, env)
  if (place !== null) return place
  throw new ImageError(
    'image.noPlace',
    'There is no place for images: neither HOME nor XDG_DATA_HOME is set.',
    'Set one.',
  )
}

/** Makes what is missing. What others can write to is not used: they could put any tree in place of an image. */
export function prepared(place: string): void {
  try {
    for (const folder of FOLDERS) mkdirSync(join(place, folder), { recursive: true, mode: 0o700 })
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    throw new ImageError(
      'image.noPlace',
      `The store ${place} can't be made: ${code}.`,
      'Is there room, and is it yours?',
    )
  }
  requireOurs(place)
}

export function requireOurs(place: string): void {
  const found = lstatSync(place)
  if (found.isDirectory() && found.uid === process.geteuid?.() && (found.mode & 0o022) === 0) return
  throw new ImageError(
    'image.storeUntrusted',
    `The store ${place} is not this user's alone.`,
    'It must be a folder that belongs to this user, and that nobody else can write to.',
  )
}
