import { isOfEngine } from '../../boundary/index.js'
import { UsageError } from '../../errors/index.js'
import type { Plan } from '../../plan/index.js'
import type { BoundaryName } from '../../policy/index.js'

/** Of the sandboxes that wait for jobs. */
export interface WarmOptions {
  /** so many at most, of all plans together; default 16 */
  readonly most?: number
  /** that they may take while they wait, bytes; default 512 MiB */
  readonly memory?: number
  /** those of a plan that was not asked for so long are ended, ms; default 30 000 */
  readonly idleMs?: number
}

export interface WarmLimits {
  readonly most: number
  readonly memoryBytes: number
  readonly idleMs: number
}

const MiB = 1024 ** 2
const MOST = 4096
const LONGEST_MS = 24 * 3600 * 1000

/** What one takes while it waits, as measured (docs/lifetime.md), bytes. Those with a kernel of their own take much more. */
const WAITING_BYTES: Readonly<Record<BoundaryName, number>> = {
  process: MiB,
  runc: MiB,
  docker: 16 * MiB,
  gvisor: 48 * MiB,
  'docker+runsc': 48 * MiB,
  microvm: 64 * MiB,
}

export const waitingBytes = (boundary: BoundaryName): number => WAITING_BYTES[boundary]

/** `null`: none is to wait. @throws UsageError for a number that makes no sense */
export function warmLimits(warm: boolean | WarmOptions): WarmLimits | null {
  if (warm === false) return null
  const { most = 16, memory = 512 * MiB, idleMs = 30_000 } = warm === true ? {} : warm
  const bound = (name: string, value: number, last: number) => {
    if (Number.isInteger(value) && value >= 1 && value <= last) return
    throw new UsageError(
      'warm.range',
      `warm.${name} is ${value}, and has to be a whole number from 1 to ${last}.`,
      'Leave it away for its default; `warm: false` keeps no sandbox.',
    )
  }
  bound('most', most, MOST)
  bound('memory', memory, Number.MAX_SAFE_INTEGER)
  bound('idleMs', idleMs, LONGEST_MS)
  return { most, memoryBytes: memory, idleMs }
}

/**
 * What it shows is as of its start, so that only one that is made for its job shows what is there now: a virtual machine has copies of what is
 * granted, and an engine mounts a folder's entries one by one.
 */
export const isCopied = ({ boundary, files }: Pick<Plan, 'boundary' | 'files'>): boolean =>
  boundary === 'microvm' ? files.read.length > 0 : isOfEngine(boundary) && files.root.kind === 'dir'

/** @throws UsageError */
export function requireKeepable(plan: Plan, count: number): void {
  if (!Number.isInteger(count) || count < 0 || count > MOST)
    throw new UsageError(
      'warm.range',
      `${count} sandboxes can't wait: it has to be a whole number from 0 to ${MOST}.`,
      'Say how many jobs of this policy start at once.',
    )
  if (isCopied(plan))
    throw new UsageError(
      'warm.copied',
      'No sandbox of this policy can wait for its job: what it shows is as of the start of its sandbox: copies in a virtual machine, or the entries of a folder that is the root of a container.',
      'Give the files with each run (`inputs`), put them into the image, or leave keepWarm (or --warm) away.',
    )
}
