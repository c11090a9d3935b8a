/** The saved machine of a shape: of which parts it is made on this host, and how one is had where there is none. */
import { createHash } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, release as kernelRelease } from 'node:os'
import { join } from 'node:path'
import { BoundaryUnavailableError, LaunchError } from '../../errors/index.js'
import type { HostFacts } from '../../host/index.js'
import { nativePrograms, requireIntact } from '../cell/native.js'
import { qemuLack } from '../machine-lacks.js'
import { initramfs } from './guest/initramfs.js'
import { modulesInOrder } from './guest/modules.js'
import { type Step, stepsOf } from './guest/steps.js'
import type { Room } from './room.js'
import { type MachineParts, machineKey } from './snapshots/key.js'
import { markOf } from './snapshots/mark.js'
import { saveMachine } from './snapshots/save.js'
import type { SavedMachine } from './snapshots/store.js'
import type { MachineShape } from './vmm/machine.js'
import { VMM } from './vmm/qemu.js'

/** What is asked of a machine before it is saved. */
export interface Wanted {
  readonly shape: MachineShape
  /** absolute path of its root's disk */
  readonly disk: string
  readonly steps: readonly Step[]
}

/** Looked for once for each kind and process, as long as it is there; after a failure again. */
export async function savedMachine(room: Room, wanted: Wanted): Promise<SavedMachine> {
  const steps = stepsOf(wanted.steps)
  const name = wantedName(wanted, steps)
  const known = await room.machines.get(name)
  if (known !== undefined && room.store.isThere(known)) return known
  // who asked at the same time may be looking again already
  const again = room.machines.get(name)
  const found = again === undefined || (await again) === known ? find(room, wanted, steps) : again
  room.machines.set(name, found)
  found.catch(() => room.machines.delete(name))
  return await found
}

/** By which a room knows it again. */
export const wantedName = ({ shape, disk }: Wanted, steps: Buffer) =>
  JSON.stringify([shape, disk, sha256(steps)])

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

async function find(
  { host, jails, store }: Room,
  { shape, disk }: Wanted,
  steps: Buffer,
): Promise<SavedMachine> {
  const { vmm, kernel } = requireParts(host)
  const programs = nativePrograms()
  requireIntact(programs)
  const { expected } = programs
  const parts: MachineParts = {
    vmm: markOf(vmm),
    kernel: markOf(kernel.image),
    modules: markOf(join(kernel.modules, 'modules.dep')),
    programs: [expected.guest.sha256, expected.agent.sha256],
    stepsSha256: sha256(steps),
    disk: markOf(disk),
    shape,
    processor: processorOf(shape),
  }
  return await store.get(machineKey(parts), async (folder) => {
    requireMakeable(host)
    const file = join(folder, 'initramfs')
    try {
      writeFileSync(file, initramfsOf(kernel, steps), { mode: 0o400 })
      const what = { shape, vmm, kernel: kernel.image, initramfs: file, disk }
      return await saveMachine(jails('saving', shape.accelerator), what, folder)
    } finally {
      rmSync(file, { force: true })
    }
  })
}

interface Parts {
  /** absolute path */
  readonly vmm: string
  readonly kernel: { readonly image: string; readonly modules: string; readonly release: string }
}

/** Only who makes one asks which version QEMU is: to hear it takes a tenth of a start. */
function requireMakeable(host: HostFacts): void {
  const lack = qemuLack(host)
  if (lack !== null)
    throw new BoundaryUnavailableError(
      'boundary.unavailable',
      `No virtual machine can be made: ${lack.what}`,
      lack.get,
    )
}

/**
 * A kernel that ran on the processor itself has its features as it found them, and what it was saved as is what that processor, its microcode
 * and the host's kernel can take: KVM promises no more.
 */
function processorOf({ accelerator }: MachineShape): string {
  const model = cpus()[0]?.model ?? ''
  if (accelerator === 'tcg') return model
  const [first = ''] = readFileSync('/proc/cpuinfo', 'utf8').split('\n\n')
  const lasting = first
    .split('\n')
    .filter((line) => !/^(?:cpu MHz|bogomips|apicid|initial apicid)\b/.test(line))
  return [model, kernelRelease(), ...lasting].join('\n')
}

/** `unavailable` has looked before. */
function requireParts(host: HostFacts): Parts {
  const { qemu, kernel } = host.machines()
  const { image, modules, release } = kernel
  if (qemu.path === null || image === null || modules === null || release === null)
    throw new LaunchError(
      'launch.failed',
      `${VMM} or the kernel of the virtual machine is gone.`,
      '`glovebox doctor` looks.',
    )
  return { vmm: qemu.path, kernel: { image, modules, release } }
}

function initramfsOf({ modules, release }: Parts['kernel'], steps: Buffer): Buffer {
  const text = (name: string) => readFileSync(join(modules, name), 'utf8')
  const index = { release, dep: text('modules.dep'), builtin: text('modules.builtin') }
  const { guest, agent } = nativePrograms()
  return initramfs({
    steps,
    guest: readFileSync(guest),
    agent: readFileSync(agent),
    modules: modulesInOrder(index).map((file) => ({ file, content: readFileSync(join(modules, file)) })),
  })
}
