/** What a machine says, as values, in the one order that makes sense. Everything here came out of a machine: nothing is taken on trust. Pure. */
import { type Frame, MalformedFrame } from '../../agent/wire.js'

/** The longest frame, and the longest body of an `a`, bytes. */
export const PIECE = 64 * 1024
const MAX_TEXT = 4096
const MAX_RELEASE = 65
const NEWS_HEAD = 28
/** of the protocol: `guest` and this file are of one installation, and what was saved is of the same programs */
const VERSION = 1

export interface GuestReady {
  /** of the protocol */
  readonly version: number
  /** the machine's kernel, as `uname -r` says it */
  readonly kernel: string
}

/** Of the job's cgroup. */
export interface GuestUsed {
  readonly cpuMs: number
  readonly peakMemoryBytes: number
  readonly oomKills: number
  readonly forkRefusals: number
}

export interface GuestNews extends GuestUsed {
  /** of the agent */
  readonly end:
    | { readonly kind: 'exited'; readonly code: number }
    | { readonly kind: 'signal'; readonly signal: number }
  /** what the agent wrote to 2; printable, at most 4 KiB */
  readonly complaints: string
}

export type GuestSaid =
  | { readonly kind: 'ready'; readonly ready: GuestReady }
  | { readonly kind: 'started' }
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'failed'; readonly text: string }
  | { readonly kind: 'used'; readonly used: GuestUsed }
  | { readonly kind: 'news'; readonly news: GuestNews }

export class GuestSays {
  /** `told`: it has been sent its steps */
  #at: 'boot' | 'ready' | 'told' | 'started' | 'over'
  /** how often it was asked what it has used, and has yet to say */
  #asked = 0

  /** `restored`: it was saved after it said that it is ready */
  constructor(restored: boolean) {
    this.#at = restored ? 'ready' : 'boot'
  }

  /** @throws Error where it is not time for them: it is ready, and has none */
  tell(): void {
    if (this.#at !== 'ready')
      throw new Error(`a machine is told its steps once, when it is ready (${this.#at})`)
    this.#at = 'told'
  }

  /** what its job has used */
  ask(): void {
    this.#asked++
  }

  /** @throws MalformedFrame for anything that `guest` never says, or not now */
  arrived({ tag, bytes }: Frame): GuestSaid {
    switch (tag) {
      case 'r':
        this.#from('boot', 'ready', tag)
        return { kind: 'ready', ready: readyOf(bytes) }
      case 'p':
        this.#from('told', 'started', tag)
        if (bytes.length > 0) throw new MalformedFrame('a start with something in it')
        return { kind: 'started' }
      case 'a':
        this.#from('started', 'started', tag)
        if (bytes.length === 0 || bytes.length > PIECE)
          throw new MalformedFrame(`${bytes.length} bytes of the agent`)
        return { kind: 'bytes', bytes }
      case 'f':
        if (this.#at === 'over') throw new MalformedFrame('a failure after the end')
        this.#at = 'over'
        return { kind: 'failed', text: printable(bytes) }
      case 'u':
        this.#from('started', 'started', tag)
        if (this.#asked-- === 0 || bytes.length !== NEWS_HEAD) throw new MalformedFrame('usage unasked')
        return { kind: 'used', used: usedOf(bytes) }
      case 'n':
        this.#from('started', 'over', tag)
        return { kind: 'news', news: newsOf(bytes) }
      default:
        throw new MalformedFrame(`a frame of the unknown kind ${tag.charCodeAt(0)} from a machine`)
    }
  }

  #from(before: string, after: 'ready' | 'started' | 'over', tag: string): void {
    if (this.#at !== before) throw new MalformedFrame(`"${tag}" from a machine that is at "${this.#at}"`)
    this.#at = after
  }
}

function readyOf(bytes: Buffer): GuestReady {
  const release = bytes.subarray(4, -1)
  if (bytes.length < 6 || bytes.at(-1) !== 0 || release.length > MAX_RELEASE || release.includes(0))
    throw new MalformedFrame('a machine that does not say which kernel it has')
  const version = bytes.readUInt32LE()
  if (version !== VERSION) throw new MalformedFrame(`a machine of version ${version} instead of ${VERSION}`)
  return { version, kernel: printable(release) }
}

function newsOf(bytes: Buffer): GuestNews {
  if (bytes.length < NEWS_HEAD) throw new MalformedFrame('news cut short')
  return {
    end: endOf(bytes.readUInt32LE(0)),
    ...usedOf(bytes),
    complaints: printable(bytes.subarray(NEWS_HEAD)),
  }
}

function usedOf(bytes: Buffer): GuestUsed {
  return {
    cpuMs: large(bytes, 4) / 1000,
    peakMemoryBytes: large(bytes, 12),
    oomKills: bytes.readUInt32LE(20),
    forkRefusals: bytes.readUInt32LE(24),
  }
}

/** As wait(2) has it. */
function endOf(status: number): GuestNews['end'] {
  const [signal, code] = [status & 0x7f, (status >>> 8) & 0xff]
  if (status > 0xffff || signal === 0x7f) throw new MalformedFrame('an end that no process has')
  return signal === 0 ? { kind: 'exited', code } : { kind: 'signal', signal }
}

function large(bytes: Buffer, at: number): number {
  const value = bytes.readBigUInt64LE(at)
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new MalformedFrame('a number too large')
  return Number(value)
}

function printable(bytes: Buffer): string {
  if (bytes.length > MAX_TEXT) throw new MalformedFrame(`a text of ${bytes.length} bytes`)
  return bytes.toString('latin1').replace(/[^\x20-\x7e\n]/g, '?')
}
