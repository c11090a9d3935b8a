import { createHash } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import type { InputFile } from '../boundary/index.js'
import { UsageError } from '../errors/index.js'
import { insidePath, placeOf } from '../files/index.js'
import type { Plan } from '../plan/index.js'
import type { CollectedFile } from '../report/index.js'

/** Bytes, or the path of a host file. */
export type InputSource = Uint8Array | string

const INPUT_MODE = 0o644

/** Checked inputs, in order; what was really copied is noted in `copied` as it goes in. */
export async function inputFiles(
  inputs: Readonly<Record<string, InputSource>>,
  plan: Plan,
  copied: CollectedFile[],
): Promise<InputFile[]> {
  const files: InputFile[] = []
  for (const [name, source] of Object.entries(inputs)) {
    const path = insidePath(name, plan.files.workdir)
    const placed = placeOf(path, plan.files)
    if (placed === null || placed.below === '')
      throw new UsageError(
        'input.place',
        `The input ${JSON.stringify(name)} would be ${path}, where nothing can be put.`,
        `Inputs go below ${plan.files.scratch.places.filter((place) => place !== '/dev/shm').join(', ')}.`,
      )
    if (typeof source === 'string') await checkSource(source)
    files.push({ path, mode: INPUT_MODE, content: content(path, source, copied) })
  }
  return files
}

async function checkSource(source: string): Promise<void> {
  const found = await stat(source).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(
      'input.unreadable',
      `The input file ${source} can't be read: ${error.code}.`,
      'Check the path.',
    )
  })
  if (!found.isFile())
    throw new UsageError(
      'input.noFile',
      `The input ${source} is not a plain file.`,
      'A folder can be granted with --read.',
    )
}

async function* content(
  path: string,
  source: InputSource,
  copied: CollectedFile[],
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of typeof source === 'string' ? fileContent(source) : [source]) {
    hash.update(chunk)
    bytes += chunk.length
    yield chunk
  }
  copied.push({ path, bytes, sha256: hash.digest('hex') })
}

async function* fileContent(source: string): AsyncGenerator<Uint8Array> {
  const file = await open(source, 'r')
  try {
    for await (const chunk of file.createReadStream({ highWaterMark: 256 * 1024, autoClose: false }))
      yield chunk as Buffer
  } finally {
    await file.close()
  }
}
