/** The image of a sandbox's root: made here, of nothing but what is in `root.ts`, and named after its content. */
import { createHash } from 'node:crypto'
import type { ImageInspected } from './answers.js'
import type { Engine } from './engine.js'
import { EngineError, isProblem } from './problems.js'
import { PROGRAM } from './root.js'
import { type TarEntry, tarOf } from './tar.js'

export const REPOSITORY = 'glovebox/root'
/** On every image of ours: the digest of its layer. */
export const ROOT_LABEL = 'glovebox.root'

export interface RootArchive {
  readonly tar: Uint8Array
  /** of the archive, hexadecimal: the layer's own identity, in every engine */
  readonly sha256: string
}

/** `program`: of pid 1, static. The same places and program give the same bytes. */
export function rootArchive(places: readonly TarEntry[], program: Uint8Array): RootArchive {
  const tar = tarOf([...places, { path: PROGRAM, kind: 'file', mode: 0o555, content: program }])
  return { tar, sha256: createHash('sha256').update(tar).digest('hex') }
}

const tagOf = ({ sha256 }: RootArchive) => sha256.slice(0, 32)

/** Removed meanwhile, by somebody who tidies up: made again so many times. */
const TRIES = 3

/** Its id. Sent only when the engine does not have it: nothing is ever pulled. @throws EngineError */
export async function ensureImage(engine: Engine, root: RootArchive): Promise<string> {
  const name = `${REPOSITORY}:${tagOf(root)}`
  for (let tries = 1; ; tries++) {
    try {
      return requireOurs(await engine.image(name), root)
    } catch (error) {
      if (!isProblem(error, 'docker.noImage') || tries === TRIES) throw error
      await engine.importImage(REPOSITORY, tagOf(root), root.tar, { [ROOT_LABEL]: root.sha256 })
    }
  }
}

/**
 * A name is whatever somebody tagged so. What an image brings along (volumes, commands, variables) comes into the container
 * without being asked for, and its layer is what the job sees.
 * @throws EngineError when it is not what was made here
 */
export function requireOurs({ Id, RootFS, Config }: ImageInspected, { sha256 }: RootArchive): string {
  const { Layers } = RootFS
  const wrong =
    Layers?.length !== 1 || Layers[0] !== `sha256:${sha256}`
      ? 'another content'
      : brought(Config ?? {}).find(([, value]) => !isNothing(value))?.[0]
  if (wrong === undefined) return Id
  throw new EngineError(
    'docker.unusable',
    `The image ${REPOSITORY}:${tagOf({ sha256, tar: new Uint8Array() })} is not the one that Glovebox made: it has ${wrong}.`,
    `Remove it (\`docker image rm ${Id}\`); it is made again.`,
  )
}

type Brought = NonNullable<ImageInspected['Config']>

const brought = ({ Volumes, Entrypoint, Cmd, Env, User, OnBuild, ExposedPorts, Healthcheck }: Brought) =>
  [
    ['volumes', Volumes],
    ['an entrypoint', Entrypoint],
    ['a command', Cmd],
    ['variables', (Env ?? []).filter((each) => !each.startsWith('PATH='))],
    ['a user', User],
    ['triggers', OnBuild],
    ['ports', ExposedPorts],
    ['a health check', Healthcheck?.Test],
  ] as const

/** Engines say so in many ways. */
export function isNothing(value: unknown): boolean {
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? value.length === 0 : Object.values(value).every(isNothing)
  return value === undefined || value === null || value === '' || value === 0 || value === false
}
