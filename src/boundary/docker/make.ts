/** A container that is what was asked for, or none. */

import type { ContainerInspected } from './answers.js'
import { requireAsAsked } from './as-asked.js'
import type { CreateBody } from './create-body.js'
import type { Engine } from './engine.js'
import { isProblem } from './problems.js'
import { ensureImage, type RootArchive } from './root-image.js'

/** Whoever tidies images may remove one between a look and its use: made again so many times. */
const TRIES = 3

export interface Made {
  readonly body: CreateBody
  readonly found: ContainerInspected
}

/** `bodyOf`: for the id of the image. Nothing is started. @throws EngineError, and then nothing of it is left */
export async function makeContainer(
  engine: Engine,
  name: string,
  root: RootArchive,
  bodyOf: (image: string) => CreateBody,
): Promise<Made> {
  for (let tries = 1; ; tries++) {
    try {
      return await made(engine, name, bodyOf(await ensureImage(engine, root)))
    } catch (error) {
      if (!isProblem(error, 'docker.noImage') || tries === TRIES) throw error
    }
  }
}

async function made(engine: Engine, name: string, body: CreateBody): Promise<Made> {
  const { id, warnings } = await engine.create(name, body)
  try {
    const found = await engine.container(id)
    requireAsAsked(body, warnings, found)
    return { body, found }
  } catch (error) {
    await engine.remove(id).catch(() => {}) // what is wrong is more than that it can't be removed
    throw error
  }
}
