/** What a virtual machine has that a sandbox of this kernel has not: a way to whoever runs it, and devices that are files of its kernel's. */

import type { Given, Pointless, Probe, Trial } from './probe.js'
import { attempt, refused } from './refused.js'

/** AF_VSOCK, by each type of socket that it has. */
const VSOCK = 40
const TYPES = ['1', '2', '5'] as const

/** By names of udev's and of the kernel's own; the wire, the disk, the console, and by what a driver is reached. */
const DEVICES = [
  ...['/dev/vport0p1', '/dev/vport1p1', '/dev/virtio-ports', '/dev/hvc0', '/dev/ttyS0', '/dev/console'],
  ...['/dev/vda', '/dev/mem', '/dev/port', '/dev/kmsg', '/dev/nvram', '/dev/hwrng', '/dev/vsock'],
  ...['/sys/class/virtio-ports', '/sys/bus/virtio', '/sys/bus/pci', '/sys/block', '/sys/firmware'],
  ...['/sys/kernel', '/proc/1/root/dev', '/proc/1/cwd/dev'],
] as const

const inMachine =
  (trial: () => Trial) =>
  ({ plan }: Given): Trial | Pointless =>
    plan.boundary === 'microvm' ? trial() : { pointless: 'the job is in no machine of its own' }

export const aroundProbes: readonly Probe[] = [
  {
    id: 'machine.vsock',
    claim: 'syscalls.profile',
    threat: 'socket-families',
    tries: 'make a socket to whoever runs the machine (vsock)',
    // in the open another family is asked for: this host's kernel would load a module for that one
    trial: inMachine(() =>
      refused(() => TYPES.map((type) => ['socket', `${VSOCK}`, type, '0'] as const), {
        control: () => TYPES.map((type) => ['socket', '1', type, '0'] as const),
      }),
    ),
  },
  {
    id: 'machine.devices',
    claim: 'files.devices',
    threat: 'device-nodes',
    tries: 'find the devices of its machine, its line to Glovebox among them, by any name',
    trial: inMachine(() =>
      refused(() => DEVICES.map((path) => attempt(['there', path])), {
        control: () =>
          // whichever this host has; each has some
          DEVICES.map((path) => ({
            words: ['there', path] as const,
            lacking: ({ result }) => result === 'ENOENT' || result === 'EACCES',
          })),
      }),
    ),
  },
]
