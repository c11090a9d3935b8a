/** One start of the picture in QEMU. What its checks say comes out of its second serial line, as they say it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

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
  // it goes when this process does, whatever ends it
  const qemu = spawn('setpriv', ['--pdeathsig', 'KILL', ...machine(accel, folder, console, words)], {
    stdio: ['ignore', 'pipe', accel === 'kvm' ? 'ignore' : 'inherit'],
  })
  const end = () => qemu.kill('SIGKILL')
  let spoke = false
  let patience = setTimeout(end, BOOT_MINUTES[accel] * 60_000)
  createInterface({ input: qemu.stdout }).on('line', (line) => {
    spoke = true
    clearTimeout(patience)
    patience = setTimeout(end, SILENT_MINUTES * 60_000)
    heard(line)
  })
  await once(qemu, 'close')
  clearTimeout(patience)
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
    'qemu-system-x86_64',
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
