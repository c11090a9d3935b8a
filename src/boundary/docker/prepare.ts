/** All of a container that is there before it starts: what it is shown, held; its own files; and the container itself. */
import { randomBytes, randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { HostFacts } from '../../host/index.js'
import { ownMark } from '../../host/index.js'
import type { InForce, Plan } from '../../plan/index.js'
import { dockerSeccomp } from '../../syscalls/index.js'
import { rlimits } from '../agent/rlimits.js'
import { filterOptions } from '../answers/filter.js'
import type { OwnFiles } from '../boundary.js'
import { findDamage, nativePrograms } from '../cell/native.js'
import { ownEtc } from '../root/own-etc.js'
import type { ContainerInspected } from './answers.js'
import { agentWords, createBody, type Parts, type RuntimeName } from './create-body.js'
import type { Engine } from './engine.js'
import { type HeldSource, holdSource } from './held-source.js'
import { asContained } from './host.js'
import { etcAs, identityOf } from './identity.js'
import { knowledgeOf, MASKED_PROC } from './known.js'
import { makeContainer } from './make.js'
import { type OwnFolder, ownFolder } from './own-files.js'
import { labelsOf } from './owner.js'
import { isProblem } from './problems.js'
import { dockerRoot, openFolders, type RootKnowledge } from './root.js'
import { type RootArchive, rootArchive } from './root-image.js'
import type { TarEntry } from './tar.js'
import type { Traits } from './traits.js'
import { listTree } from './tree.js'

/** An engine, and who asks it. */
export interface Room {
  readonly engine: Engine
  readonly runtime: RuntimeName
  readonly traits: Traits
  readonly host: HostFacts
  readonly instance: string
  /** where files of sandboxes' own lie */
  readonly place: string
  readonly inForce: InForce
}

export interface Prepared {
  readonly found: ContainerInspected
  readonly held: readonly HeldSource[]
  /** contents of the sandbox's own files, by their paths inside */
  readonly files: Readonly<Record<string, Uint8Array>>
  /** files and holds, not the container. May be called again. */
  release(): void
}

/** How often an id is drawn that another sandbox has. */
const DRAWS = 5

/**
 * A container's name is made from its job's id, and an engine gives a name to one container at a time: so no two jobs on it have one id.
 * @throws LaunchError, and then nothing is left
 */
export async function prepare(
  room: Room,
  plan: Plan,
  files: OwnFiles,
  network: Parts['network'] = 'own',
): Promise<Prepared> {
  for (let draws = 1; ; draws++) {
    try {
      return await prepareAs(room, plan, files, network, randomInt(2 ** 47) / 2 ** 47)
    } catch (error) {
      if (!isProblem(error, 'docker.conflict') || draws === DRAWS) throw error
    }
  }
}

async function prepareAs(
  room: Room,
  plan: Plan,
  files: OwnFiles,
  network: Parts['network'],
  drawn: number,
): Promise<Prepared> {
  const { engine, runtime, traits, host, instance, place, inForce } = room
  const identity = identityOf(plan, traits.remapped, drawn)
  const random = randomBytes(8).toString('hex')
  const contents = { ...etcAs(ownEtc(plan), plan.identity, identity), ...files }
  const own = ownFolder(place, random, contents)
  const held: HeldSource[] = []
  const release = () => {
    for (const source of held.splice(0)) source.release()
    own.remove()
  }
  try {
    const knowledge = knowledgeOf(plan, host, own.files)
    const { places, shown } = rootOf(plan, host, knowledge)
    for (const each of shown) held.push(holdSource(each))
    const contained = asContained(host)
    const parts = {
      shown,
      runtime,
      cpus: host.cpus,
      identity,
      seccomp: dockerSeccomp(filterOptions(plan, contained, inForce)),
      rlimits: rlimits(plan, contained, runtime === 'runsc', inForce),
      masked: MASKED_PROC,
      labels: labelsOf(ownMark(), instance, random),
      network,
      argv: agentWords(runtime),
    }
    const { found } = await makeContainer(engine, nameOf(drawn), archiveOf(places), (image) =>
      createBody(plan, traits, { ...parts, image }, inForce),
    )
    return { found, held, files: insideOf(knowledge, own, contents), release }
  } catch (error) {
    release()
    throw error
  }
}

const nameOf = (drawn: number) =>
  `glovebox-${identityOf({ identity: NOBODY }, false, drawn).uid.toString(16)}`
const NOBODY = { uid: 0, gid: 0, userName: '', hostName: '' }

/** What is at each path inside. */
function insideOf(
  knowledge: RootKnowledge,
  { files }: OwnFolder,
  contents: Readonly<Record<string, Uint8Array | string>>,
): Record<string, Uint8Array> {
  const byFile = new Map(Object.entries(files).map(([name, file]) => [file, contents[name] ?? '']))
  return Object.fromEntries(
    Object.entries(knowledge.own).map(([inside, file]) => [inside, Buffer.from(byFile.get(file) ?? '')]),
  )
}

function rootOf(plan: Plan, host: HostFacts, knowledge: RootKnowledge) {
  const { root } = plan.files
  const tree = root.kind === 'host' ? {} : listTree(root.path, openFolders(plan, knowledge))
  return dockerRoot(plan, host, knowledge, tree)
}

let archived: { readonly places: string; readonly archive: RootArchive } | null = null

/** Most starts of a service have the places of the one before: to pack and digest them again takes 3 ms. */
function archiveOf(places: readonly TarEntry[]): RootArchive {
  const key = JSON.stringify(places)
  if (archived?.places !== key) archived = { places: key, archive: rootArchive(places, agentProgram()) }
  return archived.archive
}

let program: Buffer | null = null

/** Pid 1, as it was built. @throws LaunchError when it is not that any more */
export function agentProgram(): Buffer {
  if (program !== null) return program
  const programs = nativePrograms()
  const damage = findDamage(programs)
  if (damage !== null) throw damage
  program = readFileSync(programs.agent)
  return program
}
