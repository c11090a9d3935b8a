/** What keeps this host from making a virtual machine, and what gets it, part by part. Pure. */
import { compareUpstream, type HostFacts, type KvmFailure } from '../host/index.js'
import { installAdvice, type Lack, programAbsence, programLack } from './runtime-lacks.js'

const [QEMU, QEMU_PACKAGE] = ['qemu-system-x86_64', 'qemu-system-x86']

/**
 * The first thing without which there is no machine at all; `tunLack` is for those that have a network. Starts no program: which version one
 * has counts where a machine is made of it, and `qemuLack` and `erofsLack` say that.
 */
export function machineLack(host: HostFacts): Lack | null {
  const { qemu, mkfsErofs } = host.machines()
  return (
    processorLack(host) ??
    programAbsence(QEMU, qemu, host, QEMU_PACKAGE) ??
    kernelLack(host) ??
    programAbsence('mkfs.erofs', mkfsErofs, host, 'erofs-utils')
  )
}

/** It emulates: what is emulated is the same on every processor, but the rest is made for x86-64 alone. */
function processorLack(host: HostFacts): Lack | null {
  if (host.arch === 'x64') return null
  return {
    what: 'Virtual machines are made on x86-64 alone.',
    get: '`boundary: gvisor` and `boundary: process` run here.',
  }
}

/** The first that knows each word it is told: `-machine hpet=` is of 5.2, `memory-backend=` of 5.0, `x-ignore-shared` of 4.0. */
const OLDEST_QEMU = '5.2'

export function qemuLack(host: HostFacts): Lack | null {
  const { qemu } = host.machines()
  const lack = processorLack(host) ?? programLack(QEMU, qemu, host, QEMU_PACKAGE)
  if (lack !== null || (compareUpstream(qemu.version ?? '', OLDEST_QEMU) ?? -1) >= 0) return lack
  return {
    what: `${qemu.path} is QEMU ${qemu.version}, which is too old: a machine can be saved and gone on with from ${OLDEST_QEMU} on.`,
    get: `${installAdvice(QEMU_PACKAGE, host)} gets what your distribution has; Debian 11, Ubuntu 22.04 and newer have one.`,
  }
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

/** It can be opened, which is all that can be seen of it. */
export function kvmFailureLack({ why, note }: KvmFailure): Lack {
  return {
    what: `/dev/kvm is here, but no machine came up with it, and QEMU emulates the processor (TCG), which takes longer: ${why}`,
    get: `\`rm ${note}\` has it tried again; a day, a restart of this host, another QEMU or other rights to the device do as well.`,
  }
}
