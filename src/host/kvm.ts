/**
 * Whether virtual machines may run on the processor itself. A device that can be opened is no promise: behind it may be no driver, another
 * machine's that allows none within it, or one that runs them slower than none. What a start of one showed is written down. Pure.
 */

/** A file of the kernel's that stands for a driver. `absent`: no such file, or no driver behind it. */
export type DeviceState = 'openable' | 'forbidden' | 'absent'

export interface KvmFacts {
  /** for what runs the machine: as root that is a uid of its own, which is in no group but `group` */
  readonly state: DeviceState
  /** of the device's, which a uid of its own has to be in; `null`: in none */
  readonly group: number | null
  /** no machine came up with it the last time; `null`: none was tried, or one did */
  readonly failed: KvmFailure | null
}

export interface KvmFailure {
  /** one sentence, printable */
  readonly why: string
  /** absolute path of the file in which that stands: without it it is tried again */
  readonly note: string
}

export const NO_KVM: KvmFacts = { state: 'absent', group: null, failed: null }

export interface KvmLook {
  readonly uid: number
  readonly device: (path: string) => DeviceState
  readonly owner: (
    path: string,
  ) => { readonly uid: number; readonly gid: number; readonly mode: number } | null
  /** what was written down of it, and of which device, kernel and program that would be said now */
  readonly kvmNote: () => KvmNote
  readonly nowMs: () => number
}

export interface KvmNote {
  /** `null`: nothing was */
  readonly text: string | null
  /** empty where nothing was */
  readonly of: string
  readonly file: string
}

export const KVM_DEVICE = '/dev/kvm'
const [BY_GROUP, BY_ALL] = [0o060, 0o006]

export function kvmFacts(look: KvmLook): KvmFacts {
  const state = look.device(KVM_DEVICE)
  if (state !== 'openable') return { ...NO_KVM, state }
  const failed = standing(look)
  if (look.uid !== 0) return { state, group: null, failed }
  const { gid = 0, mode = 0 } = look.owner(KVM_DEVICE) ?? {}
  if ((mode & BY_ALL) === BY_ALL) return { state, group: null, failed }
  // root's own group reads what is root's: nobody who runs a machine is put into that
  return (mode & BY_GROUP) === BY_GROUP && gid !== 0
    ? { state, group: gid, failed }
    : { ...NO_KVM, state: 'forbidden' }
}

/** After so long it is tried again, ms: what was in its way may be gone. */
const TRIED_AGAIN_MS = 24 * 60 * 60 * 1000
const LONGEST = 400

interface Note {
  readonly of: string
  readonly atMs: number
  readonly why: string
}

/** What is written down of a machine that did not come up. */
export function kvmNoteText(of: string, nowMs: number, why: string): string {
  return JSON.stringify({ of, atMs: nowMs, why: printable(why) } satisfies Note)
}

function standing(look: KvmLook): KvmFailure | null {
  const { text, of, file } = look.kvmNote()
  const note = text === null ? null : noteIn(text)
  if (note === null || note.of !== of) return null
  const age = look.nowMs() - note.atMs
  return age >= 0 && age < TRIED_AGAIN_MS ? { why: printable(note.why), note: file } : null
}

function noteIn(text: string): Note | null {
  try {
    const { of, atMs, why } = (JSON.parse(text) ?? {}) as Partial<Note>
    return typeof of === 'string' && typeof atMs === 'number' && typeof why === 'string'
      ? { of, atMs, why }
      : null
  } catch {
    return null // half of one: it is tried again
  }
}

/** What a program complained of is shown in a terminal. */
export function printable(text: string): string {
  return text
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, LONGEST)
}
