import { LaunchError } from '../../errors/index.js'
import { printable, writeKvmNote } from '../../host/index.js'
import { expectedAccelerator } from './accelerator.js'
import type { Room } from './room.js'
import { NO_SPACE } from './snapshots/save.js'
import type { Accelerator } from './vmm/machine.js'

/**
 * With KVM where it can be, else without: what a device is good for shows only when a machine comes up, and nothing of a job has happened before
 * one has. It was KVM's fault where the same does without; that is then written down, for a while.
 */
export async function byKvmOrNot<T>(room: Room, made: (accelerator: Accelerator) => Promise<T>): Promise<T> {
  if (room.kvmFailed !== '' || expectedAccelerator(room.host) === 'tcg') return await made('tcg')
  let why: string
  try {
    return await made('kvm')
  } catch (error) {
    if (!(error instanceof LaunchError) || error.code === NO_SPACE) throw error
    why = printable(sentence(error))
  }
  const instead = await made('tcg')
  room.kvmFailed = why
  writeKvmNote(room.host.machines().qemu.path, why)
  return instead
}

/** Without what to do about it: that is another thing where it goes on without KVM. */
function sentence({ message, advice }: LaunchError): string {
  return advice === '' ? message : message.slice(0, message.length - advice.length)
}
