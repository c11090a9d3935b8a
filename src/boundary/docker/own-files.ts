/**
 * Files of a sandbox's own on the host, for the engine to mount: one folder a sandbox. While it is made its name is `MARK.RANDOM`, which
 * says whose it is. Then a file in it does, and it is called `RANDOM`: a job sees the name in `/proc/self/mountinfo`, and
 * a mark has the host's boot id. What a dead process left, the next start removes.
 */
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { LaunchError } from '../../errors/index.js'
import { isGone, ownMark } from '../../host/index.js'

const NAME = /^(?:(.+)\.)?[0-9a-f]{16}$/
/** Hexadecimal digits of a name. */
const RANDOM = 16
/** Never mounted. */
const NOTE = '.owner'

export interface OwnFolder {
  readonly path: string
  /** where each file lies, by its name */
  readonly files: Readonly<Record<string, string>>
  /** may be called again */
  remove(): void
}

type Env = Readonly<Record<string, string | undefined>>

/** Where they lie for a user: not in /tmp, which an engine may see another of. @throws LaunchError */
export function ownFilesPlace(
  uid: number,
  { XDG_RUNTIME_DIR: run, XDG_STATE_HOME: state, HOME: home }: Env,
): string {
  if (uid === 0) return '/run/glovebox/docker'
  const base = [run, state, home && join(home, '.local/state')].find((path) => path?.startsWith('/'))
  if (base !== undefined) return join(base, 'glovebox/docker')
  throw new LaunchError(
    'launch.noPlace',
    'There is no place for the files of a sandbox: neither XDG_RUNTIME_DIR nor HOME is set.',
    'Set one.',
  )
}

/**
 * `random`: 16 hexadecimal digits.
 * @throws LaunchError when the place can't be had, or is not this user's alone
 */
export function ownFolder(
  place: string,
  random: string,
  files: Readonly<Record<string, Uint8Array | string>>,
): OwnFolder {
  const [begun, path] = [join(place, `${ownMark()}.${random}`), join(place, random)]
  const remove = () => discard(path, begun)
  try {
    mkdirSync(place, { recursive: true, mode: 0o700 })
    requireOurs(place)
    mkdirSync(begun, { mode: 0o700 })
    writeFileSync(join(begun, NOTE), ownMark(), { mode: 0o400 })
    // everybody may read them inside; outside nobody comes through the folder
    for (const [name, content] of Object.entries(files))
      writeFileSync(join(begun, name), content, { mode: 0o444, flag: 'wx' })
    renameSync(begun, path)
  } catch (error) {
    rmSync(begun, { recursive: true, force: true })
    throw unmade(place, error)
  }
  return {
    path,
    files: Object.fromEntries(Object.keys(files).map((name) => [name, join(path, name)])),
    remove,
  }
}

/** By a name that says who is at it: of one that is killed halfway through, the note may be gone and the rest there. */
function discard(path: string, marked: string): void {
  try {
    renameSync(path, marked)
  } catch (error) {
    // gone already, or somebody else is at it
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  rmSync(marked, { recursive: true, force: true })
}

/** Whoever can write there could put a link in the place of a file, and the engine follows it as root. @throws LaunchError */
export function requireOurs(place: string): void {
  const found = lstatSync(place)
  if (found.isDirectory() && found.uid === process.geteuid?.() && (found.mode & 0o022) === 0) return
  throw new LaunchError(
    'launch.noPlace',
    `The place ${place} for the files of sandboxes is not this user's alone.`,
    'It must be a folder that belongs to this user, and that nobody else can write to.',
  )
}

export function unmade(place: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (error instanceof LaunchError || code === undefined) return error
  const what = `The files of a sandbox can't be made in ${place}: ${code}.`
  return new LaunchError('launch.noPlace', what, 'Is there room, and is it yours?')
}

/** Removes what dead processes left. Where there is no place there is nothing. */
export function sweepFolders(place: string): void {
  let names: string[]
  try {
    requireOurs(place)
    names = readdirSync(place)
  } catch {
    return // none there, or not ours to tidy: making a folder says so
  }
  for (const name of names) {
    const [found, begun] = NAME.exec(name) ?? []
    const path = join(place, name)
    if (found !== undefined && isGone(begun ?? markIn(path), () => ageOf(path)))
      discard(path, join(place, `${ownMark()}.${name.slice(-RANDOM)}`))
  }
}

/** Of one that an older version was removing there is none: then its age decides. */
function markIn(path: string): string {
  try {
    return readFileSync(join(path, NOTE), 'latin1')
  } catch {
    return ''
  }
}

function ageOf(path: string): number {
  return Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
}
