import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import type { RunningSandbox } from '../boundary/index.js'
import {
  insidePath,
  matchesOutput,
  type OutputPattern,
  placeOf,
  quotedPath,
  TreeCheck,
} from '../files/index.js'
import type { Plan } from '../plan/index.js'
import type { CollectedFile } from '../report/index.js'
import type { Sink } from './sinks.js'

/** Something to collect when the job has ended. */
export interface Wanted {
  readonly pattern: OutputPattern
  readonly sink: Sink
  /** a plain path that a job which exits 0 must have made */
  readonly required: boolean
}

/** Why the collection as a whole was refused: then nothing of it is kept. */
export class CollectRefusal extends Error {}

/** One for each write grant: its folder is collected whole. */
export function everythingBelow(inside: string): OutputPattern {
  return { text: inside, base: inside, rest: [] }
}

/**
 * Reads everything wanted into the sinks, checked; commits nothing.
 * Throws {@link CollectRefusal} at the first thing that may not leave the sandbox.
 */
export async function collectInto(
  sandbox: RunningSandbox,
  plan: Plan,
  wanted: readonly Wanted[],
  exitCode: number,
): Promise<CollectedFile[]> {
  const files: CollectedFile[] = []
  for (const each of wanted) files.push(...(await collectOne(sandbox, plan, each, exitCode)))
  return files
}

async function collectOne(
  sandbox: RunningSandbox,
  plan: Plan,
  wanted: Wanted,
  exitCode: number,
): Promise<CollectedFile[]> {
  const { pattern, sink } = wanted
  const placed = placeOf(insidePath(pattern.base, plan.files.workdir), plan.files)
  if (placed === null)
    throw new CollectRefusal(
      `${pattern.base} is not in a folder that the job may write to; an output is named as it is inside, with --output INSIDE:FILE as FILE here`,
    )
  const check = new TreeCheck({ bytes: plan.files.scratch.bytes, entries: plan.files.scratch.inodes })
  const files: CollectedFile[] = []
  for await (const entry of sandbox.collect(placed.place, placed.below)) {
    if (entry.kind === 'missing') {
      if (wanted.required && exitCode === 0)
        throw new CollectRefusal(
          `the job exited 0 without making ${pattern.base}; name what it makes as it is inside`,
        )
      continue
    }
    const path = posix.join(placed.place, entry.path)
    if (entry.kind === 'refused') throw refusal(path, entry.why)
    const below = path === pattern.base ? '' : path.slice(pattern.base.length + 1)
    const wrong =
      entry.kind === 'file' ? check.file(path, pattern.base, entry.bytes) : check.folder(path, pattern.base)
    if (wrong !== null) throw refusal(wrong.path, wrong.why)
    if (entry.kind === 'folder') {
      if (pattern.rest.length === 0) await sink.folder(below)
    } else if (matchesOutput(pattern, path)) {
      const hash = createHash('sha256')
      await sink.file(below, hashed(entry.content, hash))
      files.push({ path, bytes: entry.bytes, sha256: hash.digest('hex') })
    } else for await (const _ of entry.content);
  }
  return files
}

/** The path is the job's: quoted, so that it can't act on a terminal. */
function refusal(path: string, why: string): CollectRefusal {
  return new CollectRefusal(`output ${quotedPath(path)} ${why}; nothing was collected`)
}

async function* hashed(content: AsyncIterable<Uint8Array>, hash: { update(data: Uint8Array): unknown }) {
  for await (const part of content) {
    hash.update(part)
    yield part
  }
}
