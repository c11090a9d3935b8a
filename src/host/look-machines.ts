/** The effects that facts about virtual machines are gathered with. */
import { accessSync, closeSync, constants, openSync, readdirSync } from 'node:fs'
import type { DeviceState } from './kvm.js'
import { readKvmNote } from './kvm-note.js'
import { realLook } from './look-runtimes.js'
import { type MachineLook, type Machines, machines } from './machines.js'

const look: MachineLook = {
  ...realLook,
  arch: process.arch,
  env: process.env,
  list(folder) {
    try {
      return readdirSync(folder)
    } catch {
      return []
    }
  },
  device,
  kvmNote: readKvmNote,
  nowMs: Date.now,
  readable(file) {
    try {
      accessSync(file, constants.R_OK)
      return true
    } catch {
      return false
    }
  },
}

/** Who asks for the version of QEMU or of mkfs.erofs starts it: some 25 ms each. */
export function lookAtMachines(): Machines {
  return machines(look)
}

/** Opened, and closed without a question: that tells more than a mode, and makes nothing. */
function device(path: string): DeviceState {
  try {
    closeSync(openSync(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOCTTY))
    return 'openable'
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : ''
    // ENOENT, and ENODEV or ENXIO of a file without a driver
    return code === 'EACCES' || code === 'EPERM' ? 'forbidden' : 'absent'
  }
}
