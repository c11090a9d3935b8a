/**
 * The network of a sentry: a container that does nothing but wait. A sentry takes its addresses from the network namespace that it starts
 * in, and an engine has no moment between a container's namespace and its start; so the namespace is another's, made ready before.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { ownMark } from '../../host/index.js'
import type { Plan } from '../../plan/index.js'
import { dockerSeccomp } from '../../syscalls/index.js'
import { rlimits } from '../agent/rlimits.js'
import { filterOptions } from '../answers/filter.js'
import type { Attachment } from './attachment.js'
import { agentWords, createBody } from './create-body.js'
import { asContained } from './host.js'
import { identityOf } from './identity.js'
import type { Held, Keeper } from './keeper.js'
import { MASKED_PROC } from './known.js'
import { makeContainer } from './make.js'
import { labelsOf } from './owner.js'
import { agentProgram, type Room } from './prepare.js'
import { dockerRoot } from './root.js'
import { rootArchive } from './root-image.js'

/** A namespace with its links, and what arrives beyond them. */
export interface SentryNetwork {
  /** id of the container that has it */
  readonly container: string
  readonly held: Held
  end(): Promise<void>
}

/** Of a process that waits. */
const MEMORY_BYTES = 32 * 1024 * 1024

/** @throws LaunchError, and then nothing is left */
export async function startNetwork(room: Room, keeper: Keeper, plan: Plan): Promise<SentryNetwork> {
  const { engine } = room
  const id = await made(room, plan)
  let attachment: Attachment | null = null
  const end = async () => {
    attachment?.close()
    await engine.remove(id).catch(() => {}) // what is gone already is what was wanted
  }
  try {
    attachment = await engine.attach(id)
    attachment.stdout.resume()
    attachment.stderr.resume()
    await engine.start(id)
    const { Pid } = (await engine.container(id)).State
    const held = await keeper.hold(Pid, id, plan, { kind: 'network', owner: 1 })
    return {
      container: id,
      held,
      end: async () => {
        held.kill()
        await end()
        await held.ended
      },
    }
  } catch (error) {
    await end()
    throw error
  }
}

async function made(room: Room, plan: Plan): Promise<string> {
  const { engine, traits, host, instance } = room
  const bare = waiting(plan)
  const contained = asContained(host)
  const drawn = randomInt(2 ** 47) / 2 ** 47
  const { places } = dockerRoot(
    { files: { ...bare.files, root: { kind: 'host' } } },
    { topLevel: {}, paths: {} },
    NOTHING,
  )
  const { found } = await makeContainer(
    engine,
    `glovebox-network-${randomBytes(8).toString('hex')}`,
    rootArchive(places, agentProgram()),
    (image) =>
      createBody(bare, traits, {
        image,
        shown: [],
        runtime: 'runc',
        cpus: host.cpus,
        identity: identityOf(bare, traits.remapped, drawn),
        seccomp: dockerSeccomp(filterOptions(bare, contained)),
        rlimits: rlimits(bare, contained),
        masked: MASKED_PROC,
        labels: labelsOf(ownMark(), instance, randomBytes(8).toString('hex')),
        network: 'own',
        argv: agentWords('runc'),
      }),
  )
  return found.Id
}

const NOTHING = { shownEtc: [], own: {} }

/** It shows nothing, writes nowhere, and is one process. */
function waiting(plan: Plan): Plan {
  const { files, limits } = plan
  return {
    ...plan,
    files: { ...files, read: [], write: [], live: [], scratch: { ...files.scratch, places: [] } },
    limits: {
      ...limits,
      memoryBytes: limits.memoryBytes === null ? null : Math.min(limits.memoryBytes, MEMORY_BYTES),
      processes: limits.processes === null ? null : 1,
    },
  }
}
