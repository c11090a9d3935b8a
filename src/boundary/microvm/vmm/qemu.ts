/**
 * A machine in QEMU's words. As little of one as boots: no VGA, no USB, no sound, no network of QEMU’s own, no firmware but what
 * starts the kernel. Part of `pc`, and there, are floppy and IDE controllers without drives, keyboard, timers and speaker. The kernel line and
 * the devices are part of what is saved: they are the same whenever a machine of the shape is. Pure; golden-tested.
 */
import { HARDWARE_ADDRESS, JAIL, type MachineShape, SAVED, TAP } from './machine.js'

/** As sentences name it. */
export const VMM = 'QEMU'

/** Descriptors that native/vmm gives QEMU. */
const MONITOR_FD = 8
const COMPLAINTS_FD = 10

/**
 * quiet: what it says at the start nobody reads, and a line costs a millisecond. A panic, or the end of its first process, ends it at once.
 * random.trust_bootloader: nothing of what a boot loader says is believed; a restored machine is given its own, see `guest`.
 */
const KERNEL_LINE =
  'quiet loglevel=4 panic=-1 oops=panic console=ttyS0 random.trust_bootloader=off lsm=landlock,lockdown,yama lockdown=integrity'

/** Denied to QEMU by itself, besides what its jail denies: old calls, new privileges, its own limits, and programs. */
const SANDBOX = 'on,obsolete=deny,elevateprivileges=deny,resourcecontrol=deny'
/** What is saved goes through a program: QEMU 7.2 writes to no file. No job is in that machine. */
const SPAWNS = { supervisor: ',spawn=deny', complaints: '' } as const

/** The host's own, without what it has to run machines by: that part of KVM is no job's. */
const CPU = { kvm: 'host,migratable=on,vmx=off,svm=off', tcg: 'max' } as const

/** What is translated stays within what the jail has room for, MiB: QEMU’s own bound is a gigabyte. */
const ACCELERATORS = { kvm: 'kvm', tcg: 'tcg,tb-size=64' } as const

/** Where its wire leads: to the supervisor, or, while a machine is saved, nowhere. */
type Wire = 'supervisor' | 'complaints'

function machineWords(program: string, shape: MachineShape, memory: string, wire: Wire): string[] {
  const { memoryMiB, cpus, accelerator, hasNetwork } = shape
  const size = `${memoryMiB}M`
  return [
    program,
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-vga', 'none', '-no-reboot'],
    ...['-name', 'glovebox', '-sandbox', `${SANDBOX}${SPAWNS[wire]}`],
    ...['-machine', 'pc,memory-backend=memory,usb=off,vmport=off,smbus=off,hpet=off'],
    ...['-accel', ACCELERATORS[accelerator]],
    ...['-cpu', CPU[accelerator]],
    ...['-smp', `${cpus}`, '-m', size],
    ...['-object', memory.replace('SIZE', size)],
    ...['-add-fd', `fd=${COMPLAINTS_FD},set=1`],
    ...(wire === 'supervisor'
      ? [
          ...['-chardev', 'stdio,id=wire,signal=off'],
          ...['-chardev', 'file,id=console,path=/dev/fdset/1,append=on'],
        ]
      : [
          ...['-chardev', 'file,id=wire,path=/dev/fdset/1,append=on'],
          ...['-chardev', `file,id=console,path=${JAIL.saved}/console`],
        ]),
    ...['-serial', 'chardev:console'],
    ...['-device', 'virtio-serial-pci,id=ports,max_ports=2,disable-legacy=on'],
    ...['-device', 'virtserialport,bus=ports.0,nr=1,chardev=wire,name=glovebox.wire'],
    ...['-drive', `if=none,id=root,format=raw,read-only=on,file.locking=off,file=${JAIL.disk}`],
    ...['-device', 'virtio-blk-pci,drive=root,disable-legacy=on'],
    ...(hasNetwork
      ? [
          // while it is saved, a hub that nothing else is at; without the tap's own headers, as that has none
          ...[
            '-netdev',
            wire === 'supervisor'
              ? `tap,id=net,ifname=${TAP},script=no,downscript=no,vhost=off,vnet_hdr=off`
              : 'hubport,id=net,hubid=0',
          ],
          ...['-device', `virtio-net-pci,netdev=net,mac=${HARDWARE_ADDRESS},romfile=,disable-legacy=on`],
        ]
      : []),
  ]
}

/** Boots, and does as it is told on its monitor, which is its standard input and output; what comes on the wire it says where it complains. */
export function saveWords(program: string, shape: MachineShape): string[] {
  const memory = `memory-backend-file,id=memory,size=SIZE,mem-path=${JAIL.saved}/${SAVED.memory},share=on`
  return [
    ...machineWords(program, shape, memory, 'complaints'),
    ...['-chardev', 'stdio,id=monitor,signal=off', '-mon', 'chardev=monitor,mode=control'],
    ...['-kernel', JAIL.kernel, '-initrd', JAIL.initramfs, '-append', KERNEL_LINE],
  ]
}

/** Goes on where a saved machine stood. native/vmm starts it, and says on its monitor from where. */
export function restoreWords(program: string, shape: MachineShape): string[] {
  const memory = `memory-backend-file,id=memory,size=SIZE,mem-path=${JAIL.machine}/${SAVED.memory},share=off`
  return [
    ...machineWords(program, shape, memory, 'supervisor'),
    ...['-chardev', `socket,id=monitor,fd=${MONITOR_FD}`, '-mon', 'chardev=monitor,mode=control'],
    ...['-incoming', 'defer'],
  ]
}

/** Says of what these words are, so that a machine which others saved is never gone on with. */
export const WORDS_OF = KERNEL_LINE
