import { createHash } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { access, open, stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { InputFile } from '../boundary/index.js'
import { UsageError, visible } from '../errors/index.js'
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
        `The input ${JSON.stringify(name)} would be ${visible(path)}, where nothing can be put.`,
        `Inputs go below ${plan.files.scratch.places.filter((place) => place !== '/dev/shm').join(', ')}.`,
      )
    if (typeof source === 'string') await checkSource(source)
    files.push({ path, mode: INPUT_MODE, content: content(path, source, copied) })
  }
  return files
}

type Stdin = Uint8Array | string | Readable | AsyncIterable<Uint8Array> | (() => Readable)

/**
 * What the job reads on its standard input, made when the command runs. A path is opened here and piped: the job never
 * holds a host file.
 */
export function stdinOf(stdin: Stdin | undefined): (() => Readable) | null {
  if (stdin === undefined) return null
  if (typeof stdin === 'function') return stdin
  if (typeof stdin === 'string') return () => Readable.from(fileContent(stdin), { objectMode: false })
  if (stdin instanceof Uint8Array) return () => Readable.from([stdin])
  if (!(stdin instanceof Readable)) return () => Readable.from(stdin)
  stdin.on('error', () => {}) // it may break before the command runs: looked at then
  return () => stdin
}

export async function checkStdin(stdin: unknown): Promise<void> {
  if (typeof stdin !== 'string') return
  const found = await readable(stdin)
  if (found.isDirectory())
    throw new UsageError('input.noFile', `The standard input ${visible(stdin)} is a folder.`, 'Name a file.')
}

async function readable(source: string): Promise<Stats> {
  try {
    await access(source, constants.R_OK)
    return await stat(source)
  } catch (error) {
    throw unreadable(source, error)
  }
}

function unreadable(source: string, error: unknown): UsageError {
  const { code, message } = error as NodeJS.ErrnoException
  const why = REASONS[code ?? ''] ?? code ?? visible(message)
  return new UsageError(
    'input.unreadable',
    `The input file ${visible(source)} can't be read: ${why}.`,
    'Check the path and its rights.',
  )
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
}

async function checkSource(source: string): Promise<void> {
  const found = await readable(source)
  if (!found.isFile())
    throw new UsageError(
      'input.noFile',
      `The input ${visible(source)} is not a plain file.`,
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
  const file = await open(source, 'r').catch((error) => {
    throw unreadable(source, error)
  })
  try {
    for await (const chunk of file.createReadStream({ highWaterMark: 256 * 1024, autoClose: false }))
      yield chunk as Buffer
  } catch (error) {
    throw unreadable(source, error)
  } finally {
    await file.close()
  }
}
