/** From a plan to a machine whose first process can be talked to. */
import { randomBytes } from 'node:crypto'
import { LaunchError } from '../../errors/index.js'
import type { Plan } from '../../plan/index.js'
import { inTime } from '../../waiting/index.js'
import { CarriedStreams } from '../agent/carried.js'
import { AgentSandbox } from '../agent/sandbox.js'
import { agentSettings } from '../agent/settings.js'
import { carriedStreams } from '../agent/streams.js'
import { MalformedFrame } from '../agent/wire.js'
import type { OwnFiles, RunningSandbox } from '../boundary.js'
import { observedAccelerator } from './accelerator.js'
import { byKvmOrNot } from './by-kvm.js'
import { Ending } from './ending.js'
import { machineLost } from './endings.js'
import { copied, requireCopied } from './grants/copy.js'
import { type HeldGrant, holdGrants, release } from './grants/held.js'
import { GuestWire } from './guest/wire.js'
import { jailPlan, programGrants } from './jail.js'
import { kernelFacts } from './kernel.js'
import { rehearse } from './rehearsal.js'
import type { Room } from './room.js'
import { savedMachine } from './saved.js'
import { shapeOf } from './shape.js'
import type { SavedMachine } from './snapshots/store.js'
import { moment, told } from './told.js'
import { type Accelerator, JAIL, type MachineShape, SAVED } from './vmm/machine.js'
import { restoreWords } from './vmm/qemu.js'

/**
 * To go on, to be told, and to start the agent, ms: half a second where nothing else runs; less than any caller waits, so that none is left. KVM that takes
 * long is no help.
 */
const START_MS = { kvm: 15_000, tcg: 25_000 } as const
/** How long QEMU takes to end once its machine has, ms. */
const LAST_MS = 5_000
const ENTROPY_BYTES = 256
/** QEMU writes nothing; a program may want a folder to stand in. */
const SCRATCH_BYTES = 1024 * 1024
const MAX_COMPLAINTS = 4096

/** What the first machine of a plan takes long for. @throws LaunchError, also where more is granted than a machine can be given */
export async function prepareMachine(room: Room, plan: Plan): Promise<void> {
  const grants = holdGrants(plan.files.read)
  try {
    await requireCopied(grants, plan.identity)
    await machineOf(room, plan, grants)
  } finally {
    release(grants)
  }
}

/** The saved machine of a plan; where there is none it is booted. @throws LaunchError */
async function machineOf(room: Room, plan: Plan, grants: readonly HeldGrant[]): Promise<MachineOf> {
  return await byKvmOrNot(room, (accelerator) => machineRunBy(room, plan, grants, accelerator))
}

async function machineRunBy(
  room: Room,
  plan: Plan,
  grants: readonly HeldGrant[],
  accelerator: Accelerator,
): Promise<MachineOf> {
  const shape = shapeOf(plan, room.host, accelerator)
  const disk = diskOf(plan)
  const steps = told(
    plan,
    grants.map(({ isFile }) => isFile),
  )
  return { shape, disk, machine: await savedMachine(room, { shape, disk, steps }) }
}

interface MachineOf {
  readonly shape: MachineShape
  /** absolute path of the root's disk */
  readonly disk: string
  readonly machine: SavedMachine
}

/** What is asked of `SandboxSource.launch`. */
export interface Asked {
  readonly plan: Plan
  readonly files: OwnFiles
  readonly waitsMs: number
}

/** @throws LaunchError when it does not come up */
export async function launchMachine(room: Room, asked: Asked): Promise<RunningSandbox> {
  const { plan } = asked
  const grants = holdGrants(plan.files.read)
  try {
    return await byKvmOrNot(room, async (accelerator) =>
      launchFrom(room, asked, grants, await machineRunBy(room, plan, grants, accelerator)),
    )
  } finally {
    release(grants)
  }
}

async function launchFrom(
  room: Room,
  asked: Asked,
  grants: readonly HeldGrant[],
  machineOf: MachineOf,
): Promise<RunningSandbox> {
  const { shape, disk } = machineOf
  const { jail, sandbox, ending } = await launchOnce(room, asked, grants, machineOf)
  if (asked.waitsMs === 0 || shape.accelerator === 'kvm' || room.unrehearsed.has(disk)) return sandbox
  try {
    const rehearsed = await rehearse(sandbox, asked.plan)
    await ending.beginAnew()
    return rehearsed
  } catch {
    // an image may have a shell that does not end, or ends its machine: its jobs are no worse off for it
    await jail.end()
    room.unrehearsed.add(disk)
    return (await launchOnce(room, asked, grants, machineOf)).sandbox
  }
}

interface Launched {
  readonly jail: RunningSandbox
  readonly sandbox: AgentSandbox
  readonly ending: Ending
}

async function launchOnce(
  room: Room,
  { plan, files, waitsMs }: Asked,
  grants: readonly HeldGrant[],
  { shape, disk, machine }: MachineOf,
): Promise<Launched> {
  const jails = room.jails('jobs', shape.accelerator)
  const jail = await jails.launch(jailOf(living(plan, waitsMs), shape, disk, machine))
  try {
    return await startIn(jail, { plan, files, grants, room, shape, machine })
  } catch (error) {
    await jail.end()
    throw error
  }
}

/** Its jail has one command, and lives as long as that waits for jobs, and they besides. */
function living(plan: Plan, waitsMs: number): Plan {
  const { deadlineMs, noOutputMs, reuse } = plan.lifetime
  const age = reuse?.ageMs ?? 0
  return { ...plan, lifetime: { deadlineMs: deadlineMs + waitsMs + age, noOutputMs, reuse: null } }
}

function diskOf({ files: { root } }: Plan): string {
  const disk = root.kind === 'image' ? root.disk : null
  if (disk === null) throw new LaunchError('launch.failed', 'The root of this plan was not made into a disk.')
  return disk
}

function jailOf(plan: Plan, shape: MachineShape, disk: string, { folder }: SavedMachine): Plan {
  return jailPlan({
    shape,
    plan,
    restores: true,
    grants: [...programGrants(), { host: folder, inside: JAIL.machine }, { host: disk, inside: JAIL.disk }],
    scratchBytes: SCRATCH_BYTES,
    // called as the job's: who looks from the host sees by its mounts whose machine it is
    places: plan.files.scratch.places,
  })
}

interface Starting {
  readonly plan: Plan
  readonly files: OwnFiles
  readonly grants: readonly HeldGrant[]
  readonly room: Room
  readonly shape: MachineShape
  readonly machine: SavedMachine
}

async function startIn(jail: RunningSandbox, starting: Starting): Promise<Launched> {
  const { plan, room, shape, machine } = starting
  const { host } = room
  const complaints = heard(jail)
  const words = restoreWords(host.machines().qemu.path ?? '', shape)
  const kernel = kernelFacts(host, machine.kernelRelease)
  const wire = new GuestWire(jail.stdout, jail.stdin, { version: 1, kernel: machine.kernelRelease })
  const telling = tell(wire, starting)
  telling.catch(() => {}) // waited for below
  const patienceMs = START_MS[shape.accelerator]
  try {
    const argv = [`${JAIL.programs}/vmm`, `${JAIL.machine}/${SAVED.state}`, ...words] as const
    await jail.run({ argv: [...argv], inputs: [], terminal: null })
    const both = Promise.all([telling, started(wire, jail, complaints)])
    await inTime(both, patienceMs, () => neverStarted(patienceMs))
  } catch (error) {
    // what is granted is held until nobody goes through it any more
    await jail.end()
    await telling.catch(() => {})
    throw error
  }
  const carried = new CarriedStreams(wire.agent, wire.agent)
  const ending = new Ending({
    jail,
    wire,
    carried,
    complaints,
    observed: () => observedAccelerator(plan, shape.accelerator, room.kvmFailed),
  })
  const sandbox = new AgentSandbox({
    streams: carriedStreams(carried),
    network: jail.network,
    settings: agentSettings(plan, kernel, { filterByAgent: true, ownKernel: false }),
    over: null,
    ...(plan.lifetime.reuse === null ? {} : { used: () => ending.usedUntilNow() }),
    finish: (first) => ending.end(first),
  })
  return { jail, sandbox, ending }
}

function neverStarted(ms: number): never {
  throw new LaunchError(
    'launch.machine',
    `The machine did not start its job's first process in ${ms / 1000} s.`,
  )
}

/** The time last: it is the time at which the job may begin. */
async function tell(wire: GuestWire, { plan, files, grants }: Starting): Promise<void> {
  if (grants.length > 0 && !(await wire.give(copied(grants, plan.identity)))) return
  wire.resume(moment({ nowMs: Date.now(), entropy: randomBytes(ENTROPY_BYTES), files }))
}

/** A machine that says what failed has said it; of one that only ended, QEMU may know more. @throws LaunchError */
async function started(wire: GuestWire, jail: RunningSandbox, complaints: () => string): Promise<void> {
  try {
    await wire.started
  } catch (error) {
    if (error instanceof MalformedFrame)
      throw new LaunchError(
        'launch.machine',
        `The virtual machine was ended because of what came out of it: ${error.message}.`,
      )
    if (wire.hasFailed) throw error
    const end = await inTime(jail.commandEnd, LAST_MS)
    await jail.end() // what it said last is here then
    const { what, get } = machineLost(end, complaints())
    throw new LaunchError(
      'launch.machine',
      what,
      get === '' ? '`glovebox doctor` looks for what this host is missing.' : get,
    )
  }
}

/** What QEMU and the machine's kernel complained of: printable, and bounded. */
function heard({ stderr }: RunningSandbox): () => string {
  let said = ''
  stderr.on('data', (chunk: Buffer) => {
    if (said.length < MAX_COMPLAINTS) said += chunk.toString('latin1')
  })
  return () =>
    said
      .replace(/[^\x20-\x7e]+/g, ' ')
      .trim()
      .slice(0, MAX_COMPLAINTS)
}
