/** One start of the picture in QEMU. What its checks say comes out of its second serial line, as they say it. */
import { spawn } from 'node:child_process'
import { accessSync, constants, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Failure } from '../build/checkout.mjs'

/** Until the first line: a machine that runs at all has it in one. */
const BOOT_MINUTES = { kvm: 3, tcg: 30 }
/** Between two lines: the longest check is a whole verification. */
const SILENT_MINUTES = 45

/** KVM where it can be opened, until a start shows that no machine runs on it. */
let accelerator = canOpen('/dev/kvm') ? 'kvm' : 'tcg'

/**
 * Starts the machine in `folder` with `words` for its kernel, gives each line to `heard`, and resolves when it is off. The disk
 * stays as it was made. Resolves with how it ran: `kvm` or `tcg`.
 */
export async function start(folder, console, words, heard) {
  for (;;) {
    const used = accelerator
    const spoke = await started(used, folder, console, words, heard)
    if (spoke || used === 'tcg') return used
    // it can be there and run nothing, as where the machine is a virtual one itself
    accelerator = 'tcg'
  }
}

async function started(accel, folder, console, words, heard) {
  const qemu = spawn('qemu-system-x86_64', machine(accel, folder, console, words), {
    stdio: ['ignore', 'pipe', accel === 'kvm' ? 'ignore' : 'inherit'],
  })
  const end = () => qemu.kill('SIGKILL')
  process.once('exit', end)
  let spoke = false
  let patience = setTimeout(end, BOOT_MINUTES[accel] * 60_000)
  createInterface({ input: qemu.stdout }).on('line', (line) => {
    spoke = true
    clearTimeout(patience)
    patience = setTimeout(end, SILENT_MINUTES * 60_000)
    heard(line)
  })
  try {
    await new Promise((resolve, reject) => {
      qemu.on('error', reject).on('close', resolve)
    })
  } catch {
    throw new Failure('qemu-system-x86_64 is needed: apt-get install qemu-system-x86')
  } finally {
    clearTimeout(patience)
    process.removeListener('exit', end)
  }
  return spoke
}

function machine(accel, folder, console, words) {
  const boot = join(folder, 'debian/boot')
  const file = (name) =>
    join(
      boot,
      readdirSync(boot).find((each) => each.startsWith(name)),
    )
  const drive = `file=${join(folder, 'disk.img')},format=raw,if=virtio,cache=unsafe,snapshot=on`
  return [
    ...`-M pc,accel=${accel} -cpu ${accel === 'kvm' ? 'host' : 'max'} -m 2048 -smp 2`.split(' '),
    ...'-no-reboot -nodefaults -display none'.split(' '),
    ...['-kernel', file('vmlinuz'), '-initrd', file('initrd.img')],
    ...['-append', `root=/dev/vda rw console=ttyS0 quiet ${words}`],
    ...['-drive', drive, '-device', 'virtio-rng-pci'],
    ...['-serial', `file:${console}`, '-serial', 'stdio'],
  ]
}

function canOpen(path) {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false
  }
}
