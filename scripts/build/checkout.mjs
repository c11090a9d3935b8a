/** What every script needs to know about the checkout it stands in: where it is, its files, and who works in it. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** absolute path of the checkout */
export const root = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '')

/** Something the reader can act on; printed as one sentence, without a stack. */
export class Failure extends Error {}

/** Runs `main`; a {@link Failure} ends the process with 1 and its sentence on stderr. */
export async function runScript(name, main) {
  try {
    process.exitCode = (await main()) ?? process.exitCode
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    console.error(`${name}: ${error.message}`)
    process.exitCode = 1
  }
}

/**
 * Runs `work` while no other setup or build of this checkout does. The kernel holds the lock on the folder
 * itself, so a script that is killed leaves nothing to clean up.
 */
export async function alone(work) {
  const folder = openSync(root, 'r')
  try {
    // flock(1) locks the open file, not the process: the lock outlives it, and ends with our descriptor.
    const lock = spawnSync('flock', ['--exclusive', '3'], { stdio: ['ignore', 'ignore', 'inherit', folder] })
    if (lock.status !== 0) throw new Failure('cannot lock the checkout: flock (from util-linux) is needed.')
    return await work()
  } finally {
    closeSync(folder)
  }
}

/** Paths of the files below `folder` that `wanted` accepts, sorted, relative to the checkout. */
export function filesBelow(folder, wanted = () => true) {
  const absolute = join(root, folder)
  if (!existsSync(absolute)) return []
  return readdirSync(absolute, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
    .filter(wanted)
    .sort()
}

/** One hash over names and contents of `files` and over `facts`, hex. */
export function fingerprint(files, ...facts) {
  const hash = createHash('sha256').update(JSON.stringify(facts))
  for (const file of files) {
    const content = readFileSync(join(root, file))
    hash.update(`\0${file}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex')
}

/** Nobody ever reads half of a file written by this. */
export function writeWhole(path, content, mode = 0o644) {
  mkdirSync(dirname(path), { recursive: true })
  const draft = `${path}.${process.pid}.tmp`
  writeFileSync(draft, content, { mode })
  renameSync(draft, path)
}

/** A note beside the outputs saying which inputs they were made from. */
export function stamp(name) {
  const path = join(root, 'dist', `.${name}.stamp`)
  return {
    says: (value) => existsSync(path) && readFileSync(path, 'utf8') === value,
    write: (value) => writeWhole(path, value),
  }
}
