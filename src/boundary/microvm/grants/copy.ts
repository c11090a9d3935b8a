/** Granted files as what a machine is told: it is given a copy, over the one line that it has. */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { grantedAt, type Step, step } from '../guest/steps.js'
import { Weight } from './bounds.js'
import { type HeldGrant, heldAt } from './held.js'
import { closed, type Entry, entriesOf, isOneOf, type Viewer } from './tree.js'

/** Of what is told at once, bytes. */
const PART = 128 * 1024

/** Before anything is started for them. @throws LaunchError when there is too much */
export async function requireCopied(grants: readonly HeldGrant[], viewer: Viewer): Promise<void> {
  const weight = new Weight()
  for (const grant of grants)
    for await (const { bytes } of entriesOf(grant, viewer)) {
      weight.add(bytes)
      if (weight.isUncounted) weight.requireFits(false)
    }
  weight.requireFits(true)
}

/** Each part is told when the one before has been taken. @throws LaunchError when it became too much meanwhile */
export async function* copied(grants: readonly HeldGrant[], viewer: Viewer): AsyncGenerator<readonly Step[]> {
  const weight = new Weight()
  let [part, bytes]: [Step[], number] = [[], 0]
  for (const [index, grant] of grants.entries())
    for await (const each of entriesOf(grant, viewer)) {
      weight.add(each.bytes)
      weight.requireFits(false)
      for await (const made of stepsOf(each, Buffer.from(grantedAt(index)))) {
        part.push(made)
        bytes += made.length
        if (bytes < PART) continue
        yield part
        ;[part, bytes] = [[], 0]
      }
    }
  if (part.length > 0) yield part
}

async function* stepsOf(entry: Entry, below: Buffer): AsyncGenerator<Step> {
  const path = Buffer.concat([below, entry.path])
  if (entry.kind === 'link') yield step.link(path, entry.target)
  else if (entry.kind === 'file') yield* fileSteps(entry, path)
  else if (isGrant(entry)) yield step.own(path, entry.owned)
  else yield step.folder(path, entry.owned)
}

const isGrant = ({ path }: Entry) => path.length === 0

type FileEntry = Extract<Entry, { kind: 'file' }>

async function* fileSteps(entry: FileEntry, path: Buffer): AsyncGenerator<Step> {
  const file = entry.bytes === 0 ? null : await openedToRead(entry)
  try {
    const owned = entry.bytes > 0 && file === null ? closed(entry.owned) : entry.owned
    let isMade = isGrant(entry)
    if (isMade) yield step.own(path, owned)
    for await (const content of file === null ? [] : contentOf(file, entry)) {
      yield isMade ? step.append(path, content) : step.file(path, owned, content)
      isMade = true
    }
    if (!isMade) yield step.file(path, owned, Buffer.alloc(0))
  } finally {
    await file?.close()
  }
}

/** As long as it was when it was looked at: what is added meanwhile is not of it, and one that is cut is shorter. */
async function* contentOf(file: FileHandle, { bytes }: FileEntry): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes; ) {
    const room = Buffer.allocUnsafe(Math.min(PART, bytes - at))
    const { bytesRead } = await file.read(room, 0, room.length, at)
    if (bytesRead === 0) return
    at += bytesRead
    yield room.subarray(0, bytesRead)
  }
}

/** `null`: this user may not read it. */
async function openedToRead({ descriptor }: FileEntry): Promise<FileHandle | null> {
  try {
    return await open(heldAt(descriptor), constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (isOneOf(error, ['EACCES', 'EPERM'])) return null
    throw error
  }
}
