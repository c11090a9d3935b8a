/**
 * Where it is written down that no machine came up with /dev/kvm: a file beside this user's saved machines, which stands for one device, one
 * start of this host, and one QEMU.
 */
import { lstatSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { dataPlace } from './data-place.js'
import { KVM_DEVICE, type KvmNote, kvmNoteText } from './kvm.js'

const NAME = 'kvm.json'

/** Absolute; `null`: there is no place for one. It says nothing where others than this user could have written it. */
function notePlace(): string | null {
  const place = dataPlace('machines', process.geteuid?.() ?? -1, process.env)
  return place === null ? null : join(place, NAME)
}

export function readKvmNote(qemu: string | null): KvmNote {
  const file = notePlace()
  const text = file === null || !isOurs(dirname(file)) ? null : content(file)
  return { text, of: text === null ? '' : subject(qemu), file: file ?? '' }
}

/** Of no consequence where it can't be: then each process tries once. */
export function writeKvmNote(qemu: string | null, why: string): void {
  const file = notePlace()
  if (file === null || !isOurs(dirname(file))) return
  const half = `${file}.${process.pid}`
  try {
    writeFileSync(half, kvmNoteText(subject(qemu), Date.now(), why), { mode: 0o600 })
    renameSync(half, file)
  } catch {
    // no room
  }
}

/** Of whichever of these is another nothing is known. */
function subject(qemu: string | null): string {
  const boot = content('/proc/sys/kernel/random/boot_id')?.trim() ?? ''
  return JSON.stringify([boot, mark(KVM_DEVICE), qemu === null ? null : mark(qemu)])
}

function mark(path: string): readonly string[] | null {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  if (found === undefined) return null
  const { dev, ino, rdev, uid, gid, mode, size, mtimeNs } = found
  // a device's times change when it is used
  const modified = found.isFile() ? [size, mtimeNs] : []
  return [path, ...[dev, ino, rdev, uid, gid, mode, ...modified].map(String)]
}

function content(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

function isOurs(folder: string): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false })
  return found?.isDirectory() === true && found.uid === process.geteuid?.() && (found.mode & 0o022) === 0
}
