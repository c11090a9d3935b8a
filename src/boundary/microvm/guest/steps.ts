/** What `guest` is told to do before it starts the agent, in its words (native/guest/parse.c). Pure. */
import { frame, text, u32, u64 } from '../../agent/wire.js'

/** One step, as it goes over the wire. */
export type Step = Buffer

/** Absolute; as bytes where it may be of no encoding. */
export type Place = string | Buffer

/** Of `<sys/mount.h>`. */
export const MOUNT = {
  readOnly: 1,
  noSetuid: 2,
  noDevices: 4,
  noExecute: 8,
  remount: 32,
  noFollow: 256,
  noAccessTimes: 1024,
  bind: 4096,
  recursive: 16384,
} as const

/** All of them, bytes. */
const MAX_STEPS = 8 * 1024 * 1024
/** A text with its NUL, bytes. */
const MAX_TEXT = 4096

export interface Owned {
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

export interface MountStep {
  readonly type: string
  readonly source: string
  readonly target: string
  /** bits of {@link MOUNT} */
  readonly flags: number
  readonly data?: string
}

export interface LinkSide {
  /** 4 or 16 bytes each */
  readonly own: Uint8Array
  readonly router: Uint8Array
  readonly prefix: number
}

export interface NetworkStep {
  readonly loopback: boolean
  /** `null`: the machine has none */
  readonly link: { readonly v4: LinkSide; readonly v6: LinkSide; readonly routerMac: Uint8Array } | null
}

/** Each throws a RangeError for what has no place in a step. */
export const step = {
  /** the time of day, ms since 1970 */
  clock: (nowMs: number): Step =>
    frame('t', u64(Math.floor(nowMs / 1000)), u32(Math.floor(nowMs % 1000) * 1_000_000)),
  /** all of it counts as random */
  entropy: (bytes: Uint8Array): Step => frame('e', bytes),
  /** a folder, with those above it that are missing (root's, 0755) */
  folder: (path: Place, owned: Owned): Step => frame('d', ...belonging(owned), place(path)),
  /** a file that is not there yet */
  file: (path: Place, owned: Owned, content: Uint8Array): Step =>
    frame('F', ...belonging(owned), place(path), content),
  /** at the end of a file that is there */
  append: (path: Place, content: Uint8Array): Step => frame('A', place(path), content),
  /** a file or folder that is there */
  own: (path: Place, owned: Owned): Step => frame('o', ...belonging(owned), place(path)),
  link: (path: Place, target: string | Buffer): Step => frame('L', bounded(target), place(path)),
  /** to a file that is there */
  write: (path: string, content: string | Uint8Array): Step => frame('w', place(path), Buffer.from(content)),
  writeIfThere: (path: string, content: string): Step => frame('W', place(path), Buffer.from(content)),
  mount: (what: MountStep): Step => mountFrame('m', what),
  /** … where there is such a target; what a kernel does not show needs no cover */
  cover: (what: MountStep): Step => mountFrame('M', what),
  /** a character device, root's */
  device: (path: string, mode: number, major: number, minor: number): Step =>
    frame('k', u32(mode), u32(major), u32(minor), place(path)),
  network: ({ loopback, link }: NetworkStep): Step =>
    frame(
      'l',
      Buffer.of((loopback ? 1 : 0) | (link === null ? 0 : 2)),
      ...side(4, link?.v4),
      ...side(16, link?.v6),
      sized(6, link?.routerMac),
    ),
  /** the cgroup that everything after this, and the agent, is in */
  cgroup: (path: string): Step => frame('g', place(path)),
  hostName: (name: string): Step => frame('h', bounded(name)),
  /** the agent, with this folder as its root: the last one */
  start: (root: string, uid: number, gid: number): Step => frame('x', u32(uid), u32(gid), place(root)),
} as const

function mountFrame(tag: string, { type, source, target, flags, data = '' }: MountStep): Step {
  const from = (flags & MOUNT.bind) !== 0 ? place(source) : bounded(source)
  return frame(tag, u64(flags), bounded(type), from, place(target), bounded(data))
}

/** The one frame that holds them all. */
export const stepsFrame = (steps: readonly Step[]): Buffer => frame('S', stepsOf(steps))

/** … and the one for a machine that came with its steps: the time, randomness, and what is written to `OWN`. */
export const momentFrame = (steps: readonly Step[]): Buffer => frame('T', stepsOf(steps))

/** … and before that, any number of times: what is granted to that machine alone, below `grantedAt`. */
export const grantFrame = (steps: readonly Step[]): Buffer => frame('G', stepsOf(steps))

/** Where a machine keeps what is its alone. */
export const OWN = '/own'
/** … and of its plan's grants each: there, empty, when it is saved. */
export const grantedAt = (index: number): string => `/granted/${index}`

export function stepsOf(steps: readonly Step[]): Buffer {
  const made = Buffer.concat(steps)
  if (made.length > MAX_STEPS) throw new RangeError(`steps of ${made.length} bytes; ${MAX_STEPS} can be sent`)
  return made
}

const belonging = ({ mode, uid, gid }: Owned): Buffer[] => [u32(mode), u32(uid), u32(gid)]

function side(size: number, given: LinkSide | undefined): Buffer[] {
  return [sized(size, given?.own), sized(size, given?.router), Buffer.of(given?.prefix ?? 0)]
}

function sized(size: number, bytes: Uint8Array = Buffer.alloc(size)): Buffer {
  if (bytes.length !== size) throw new RangeError(`an address of ${bytes.length} bytes instead of ${size}`)
  return Buffer.from(bytes)
}

function bounded(value: Place): Buffer {
  const bytes = typeof value === 'string' ? text(value) : Buffer.concat([value, Buffer.alloc(1)])
  if (bytes.length > MAX_TEXT) throw new RangeError(`a text of ${bytes.length} bytes for a machine`)
  return bytes
}

/** From the root down, without `.`, `..` or an empty step; never the root itself. */
function place(path: Place): Buffer {
  if (!/^(?:\/(?!\.{1,2}(?:\/|$))[^/]+)+$/.test(path.toString('latin1')))
    throw new RangeError(`${path} is no path of a machine`)
  return bounded(path)
}
