/** A container as a sandbox of Docker's would be, with a shell in the place of the program that is pid 1. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { rlimits } from '../../../src/boundary/agent/rlimits.js'
import type { Attachment } from '../../../src/boundary/docker/attachment.js'
import { type CreateBody, createBody, type Parts } from '../../../src/boundary/docker/create-body.js'
import type { Engine, Waiting } from '../../../src/boundary/docker/engine.js'
import { type HeldSource, holdSource } from '../../../src/boundary/docker/held-source.js'
import { etcAs } from '../../../src/boundary/docker/identity.js'
import { makeContainer } from '../../../src/boundary/docker/make.js'
import { ownFolder } from '../../../src/boundary/docker/own-files.js'
import { labelsOf } from '../../../src/boundary/docker/owner.js'
import { dockerRoot, openFolders } from '../../../src/boundary/docker/root.js'
import { rootArchive } from '../../../src/boundary/docker/root-image.js'
import { type Traits, traitsOf } from '../../../src/boundary/docker/traits.js'
import { listTree } from '../../../src/boundary/docker/tree.js'
import { boundaryNamed } from '../../../src/boundary/index.js'
import { ownEtc } from '../../../src/boundary/root/own-etc.js'
import { MASKED_PROC_FILES, MASKED_PROC_FOLDERS, SHOWN_ETC } from '../../../src/boundary/root/shown.js'
import { ownMark } from '../../../src/host/index.js'
import type { Plan } from '../../../src/plan/index.js'
import { hostOf, planFor } from '../../../src/sandbox/index.js'
import { NO_CEILING, parse } from '../../policy/harness.js'

/** In the place of pid 1: does what it is told. */
export const PID_1 = Buffer.from('#!/bin/sh\nexec "$@"\n')

/** Some calls are refused, so that a filter is seen to be there; which ones a job gets is another matter. */
export const FILTER = JSON.stringify({
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names: ['keyctl', 'unshare'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 }],
})

/** An id that nobody has. */
export const UID = 0x7040_0001

export function planOf(policy: object): Plan {
  const process_ = boundaryNamed('process') ?? fail('no process boundary')
  const resolveHostPath = (path: string) =>
    ({ path, kind: path.endsWith('/a') ? 'file' : 'directory' }) as const
  return planFor(
    parse({ version: 1, ...policy }, { ceiling: NO_CEILING, resolveHostPath }),
    process_,
    hostOf(),
  )
}

const fail = (what: string): never => {
  throw new Error(what)
}

export interface Box {
  readonly id: string
  readonly name: string
  readonly body: CreateBody
  readonly streams: Attachment
  readonly gone: Waiting
  readonly held: readonly HeldSource[]
  /** nothing is left of it, in the engine or outside */
  end(): Promise<void>
}

export interface Wanted {
  readonly policy?: object
  readonly parts?: Partial<Parts>
  readonly mark?: string
  readonly instance?: string
}

export async function traits(engine: Engine): Promise<Traits> {
  const [version, info] = await Promise.all([engine.version(), engine.info()])
  return traitsOf(engine.api, version, info)
}

/** Made and attached, not started. `folder`: of the test's own. */
export async function box(
  engine: Engine,
  folder: string,
  argv: readonly string[],
  wanted: Wanted = {},
): Promise<Box> {
  const { policy = {}, parts = {}, mark = ownMark(), instance = 'test' } = wanted
  const [plan, host, random] = [planOf(policy), hostOf(), randomBytes(8).toString('hex')]
  const { uid, gid } = { uid: UID, gid: UID }
  const own = ownFolder(join(folder, 'own'), random, etcAs(ownEtc(plan), plan.identity, { uid, gid }))
  const inside = Object.entries(own.files).map(([name, path]) => [`/etc/${name}`, path] as const)
  const knowledge = { shownEtc: SHOWN_ETC, own: Object.fromEntries(inside) }
  const { root } = plan.files
  const tree = root.kind === 'host' ? {} : listTree(root.path, openFolders(plan, knowledge))
  const { places, shown } = dockerRoot(plan, host, knowledge, tree)
  const held = shown.map(holdSource)
  const clear = () => {
    for (const source of held) source.release()
    own.remove()
  }
  try {
    const known = await traits(engine)
    const bodyOf = (image: string) =>
      createBody(plan, known, {
        image,
        shown,
        runtime: 'runc',
        cpus: host.cpus,
        identity: { uid, gid },
        seccomp: FILTER,
        rlimits: rlimits(plan, host),
        masked: [...MASKED_PROC_FILES, ...MASKED_PROC_FOLDERS],
        labels: labelsOf(mark, instance, random),
        network: 'own',
        argv,
        ...parts,
      })
    const name = `glovebox-${random}`
    const { body, found } = await makeContainer(engine, name, rootArchive(places, PID_1), bodyOf)
    const { Id: id } = found
    const [streams, gone] = [await engine.attach(id), await engine.wait(id, 'removed')]
    const end = async () => {
      // first: an engine takes ten seconds to remove one whose output nobody reads
      streams.close()
      await engine.remove(id)
      clear()
    }
    return { id, name, body, streams, gone, held, end }
  } catch (error) {
    clear()
    throw error
  }
}

export interface Ran {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Started, fed and waited for; nothing is left. */
export async function run(
  engine: Engine,
  folder: string,
  argv: readonly string[],
  wanted: Wanted & { readonly input?: string } = {},
): Promise<Ran> {
  const made = await box(engine, folder, argv, wanted)
  try {
    await engine.start(made.id)
    made.streams.stdin.end(wanted.input ?? '')
    const [stdout, stderr] = await Promise.all([all(made.streams.stdout), all(made.streams.stderr)])
    const { StatusCode } = await made.gone.exit
    return { status: StatusCode, stdout, stderr }
  } finally {
    await made.end()
  }
}

export async function all(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
