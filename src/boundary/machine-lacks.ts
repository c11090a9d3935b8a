/** What keeps this host from making a virtual machine, and what gets it, part by part. Pure. */
import type { HostFacts } from '../host/index.js'
import { installAdvice, type Lack, programLack } from './runtime-lacks.js'

/** The first thing without which there is no machine at all; `tunLack` is for those that have a network. */
export function machineLack(host: HostFacts): Lack | null {
  return qemuLack(host) ?? kernelLack(host) ?? erofsLack(host)
}

/** It emulates: what is emulated is the same on every processor, but the rest is made for x86-64 alone. */
export function qemuLack(host: HostFacts): Lack | null {
  if (host.arch !== 'x64')
    return {
      what: 'Virtual machines are made on x86-64 alone.',
      get: '`boundary: gvisor` and `boundary: process` run here.',
    }
  return programLack('qemu-system-x86_64', host.machines().qemu, host, 'qemu-system-x86')
}

export function kernelLack(host: HostFacts): Lack | null {
  const { image, chosen, wrong } = host.machines().kernel
  if (wrong !== '' && chosen)
    return {
      what: `The kernel that GLOVEBOX_KERNEL names can't be used: ${wrong}`,
      get: `Set GLOVEBOX_KERNEL=/path/to/vmlinuz-V and GLOVEBOX_KERNEL_MODULES=/lib/modules/V, both of root or of this user and writable by nobody else; or unset them, and ${debiansKernel(host)} installs one.`,
    }
  if (wrong !== '')
    return {
      what: `The kernel ${image} is not used: ${wrong}`,
      get: `${debiansKernel(host)} installs one; or set GLOVEBOX_KERNEL to another.`,
    }
  if (image === null)
    return {
      what: 'There is no kernel for a virtual machine: no /boot/vmlinuz-*-amd64 with its modules in /lib/modules.',
      get: `${debiansKernel(host)} installs Debian's, and this machine goes on with its own; or set GLOVEBOX_KERNEL=/path/to/vmlinuz-V.`,
    }
  return null
}

const debiansKernel = (host: HostFacts) => installAdvice('linux-image-cloud-amd64', host)

/** Makes the disk of an image. */
export function erofsLack(host: HostFacts): Lack | null {
  return programLack('mkfs.erofs', host.machines().mkfsErofs, host, 'erofs-utils')
}

/** A machine without a network needs none. */
export function tunLack(host: HostFacts): Lack | null {
  const { tun } = host.machines()
  if (tun === 'openable') return null
  return tun === 'forbidden'
    ? {
        what: '/dev/net/tun may not be opened by this user: a virtual machine gets no network.',
        get: 'As root, `chmod 0666 /dev/net/tun`, as Debian and udev have it: the device gives nobody a right over a network that is not theirs.',
      }
    : {
        what: 'There is no /dev/net/tun: a virtual machine gets no network.',
        get: 'As root, `modprobe tun`; in a container, give it that device (`--device /dev/net/tun`).',
      }
}
