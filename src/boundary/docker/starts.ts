/**
 * Containers of gVisor's that an engine was asked to start, noted where the next start of this user finds them. An engine forgets one whose start
 * fails after its maker has died, or that is removed while it starts, and leaves its shim, its sentry and its gofer running: by the
 * container's id alone they are known. As root alone: nobody else may end them.
 */
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isGone, ownMark } from '../../host/index.js'
import { requireOurs, unmade } from './own-files.js'
import { endLeftovers } from './sentry.js'

const PLACE = '/run/glovebox/docker-starts'
const NAME = /^([0-9a-f]{64})\.(.+)$/
/** By then an engine has started what it was asked to start, or never will, ms. */
const SETTLED_MS = 60_000

/** @returns what forgets it: called when nothing of it is left. @throws LaunchError */
export function noteStart(container: string, place = PLACE): () => void {
  const note = join(place, `${container}.${ownMark()}`)
  try {
    mkdirSync(place, { recursive: true, mode: 0o700 })
    requireOurs(place)
    writeFileSync(note, '', { mode: 0o400 })
  } catch (error) {
    throw unmade(place, error)
  }
  return () => rmSync(note, { force: true })
}

/** Ends what is left of those whose makers are dead. What an engine only now starts is left to the next start. */
export function sweepStarts(place = PLACE): void {
  for (const name of notesIn(place)) {
    const [, container, mark = ''] = NAME.exec(name) ?? []
    const note = join(place, name)
    const ageMs = () => Date.now() - (statSync(note, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
    if (container === undefined || !isGone(mark, ageMs)) continue
    const isSettled = ageMs() > SETTLED_MS
    // of a maker that can't be looked for, in another container, age says nothing: its sandbox may run
    if (isGone(mark, () => 0)) endLeftovers(container)
    if (isSettled) rmSync(note, { force: true })
  }
}

function notesIn(place: string): string[] {
  try {
    requireOurs(place)
    return readdirSync(place)
  } catch {
    return [] // none there, or not ours to tidy: making one says so
  }
}
