/** What the agent says, as values. Everything here was sent from inside a sandbox: nothing is taken on trust. Pure. */
import { constants } from 'node:os'
import type { CommandEnd } from '../boundary.js'
import { type Frame, MalformedFrame } from './wire.js'

/** The agent sends files in pieces of 256 KiB. */
export const MAX_AGENT_FRAME = 1 << 19

const ENDED_BY_EXIT = 0
const ENDED_BY_SIGNAL = 1

const REFUSALS = new Map([
  [1, 'is a symbolic link'],
  [2, 'is no plain file or folder'],
  [3, 'lies too deep'],
  [4, 'cannot be read'],
])

export type AgentMessage =
  | { readonly kind: 'started'; readonly landlockAbi: number }
  | { readonly kind: 'ended'; readonly end: CommandEnd }
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string; readonly bytes: number }
  | { readonly kind: 'content'; readonly bytes: Uint8Array }
  | { readonly kind: 'refused'; readonly path: string; readonly why: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'sent' }
  | { readonly kind: 'ready' }

/** Throws {@link MalformedFrame} for anything that the agent never says. */
export function agentMessage({ tag, bytes }: Frame): AgentMessage {
  switch (tag) {
    case 'S':
      return { kind: 'started', landlockAbi: abi(bytes) }
    case 'E':
      return { kind: 'ended', end: commandEnd(bytes) }
    case 'N':
      return { kind: 'ended', end: notStarted(number(bytes, 0)) }
    case 'W':
      return {
        kind: 'ended',
        end: { kind: 'notStarted', cause: 'workdir', detail: errorName(number(bytes, 0)) },
      }
    case 'U':
      return {
        kind: 'ended',
        end: { kind: 'notStarted', cause: 'unconfined', detail: said(bytes) },
      }
    case 'T':
      return { kind: 'ended', end: { kind: 'deadline' } }
    case 'I':
      return {
        kind: 'ended',
        end: { kind: 'broken', detail: said(bytes) },
      }
    case 'D':
      return { kind: 'folder', path: path(bytes) }
    case 'F':
      return { kind: 'file', bytes: large(bytes, 0), path: path(bytes.subarray(8)) }
    case 'B':
      return { kind: 'content', bytes }
    case 'X':
      return {
        kind: 'refused',
        path: path(bytes.subarray(4)),
        why: REFUSALS.get(number(bytes, 0)) ?? 'was refused',
      }
    case 'M':
      return { kind: 'missing' }
    case 'Z':
      return { kind: 'sent' }
    case 'R':
      return { kind: 'ready' }
    default:
      throw new MalformedFrame(`a message of the unknown kind ${tag.charCodeAt(0)}`)
  }
}

/** 0: none. The kernel counts them up by one with each new thing that Landlock can do. */
function abi(bytes: Buffer): number {
  const value = number(bytes, 0)
  if (bytes.length !== 4 || value > 255) throw new MalformedFrame('a start of another kind')
  return value
}

function commandEnd(bytes: Buffer): CommandEnd {
  const kind = number(bytes, 0)
  const code = number(bytes, 4)
  const cpuMs = large(bytes, 8) / 1000
  if (kind === ENDED_BY_EXIT && code <= 255) return { kind: 'exited', code, cpuMs }
  if (kind === ENDED_BY_SIGNAL && code >= 1 && code <= 64) return { kind: 'signal', signal: code, cpuMs }
  throw new MalformedFrame('an end that no process has')
}

function notStarted(errno: number): CommandEnd {
  const cause =
    errno === constants.errno.ENOENT || errno === constants.errno.ENOTDIR ? 'notFound' : 'notExecutable'
  return { kind: 'notStarted', cause, detail: errorName(errno) }
}

/** u32 errno, text */
function said(bytes: Buffer): string {
  return `${printable(bytes.subarray(4))}: ${errorName(number(bytes, 0))}`
}

function errorName(errno: number): string {
  const name = Object.entries(constants.errno).find(([, value]) => value === errno)
  return name ? name[0] : `error ${errno}`
}

function number(bytes: Buffer, at: number): number {
  if (bytes.length < at + 4) throw new MalformedFrame('a message cut short')
  return bytes.readUInt32LE(at)
}

function large(bytes: Buffer, at: number): number {
  if (bytes.length < at + 8) throw new MalformedFrame('a message cut short')
  const value = bytes.readBigUInt64LE(at)
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new MalformedFrame('a number too large')
  return Number(value)
}

/** Bytes that are no UTF-8 become U+FFFD, which no collected name may contain: such a file is refused by name. */
function path(bytes: Buffer): string {
  return bytes.toString('utf8')
}

function printable(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, 200)
}
