/** What a saved machine is made of: one of other parts is another. Pure. */
import { createHash } from 'node:crypto'
import type { MachineShape } from '../vmm/machine.js'
import { WORDS_OF } from '../vmm/qemu.js'

/** A file as it is now: what writes to it, or puts another in its place, changes one of these. */
export interface FileMark {
  readonly path: string
  readonly bytes: number
  /** inode, and the times of its content and of itself, ns since 1970 */
  readonly inode: string
  readonly modified: string
  readonly changed: string
}

export interface MachineParts {
  readonly vmm: FileMark
  readonly kernel: FileMark
  /** list of its modules */
  readonly modules: FileMark
  /** SHA-256 of the programs that are in it from the first, hex */
  readonly programs: readonly string[]
  /** of what is done in it before it is saved, hex */
  readonly stepsSha256: string
  readonly disk: FileMark
  readonly shape: MachineShape
  /** Of the processor that it ran on: what a kernel found at its start it uses ever after. */
  readonly processor: string
}

/** Of how machines are saved and told: older ones are not understood. */
const FORMAT = 2

export function machineKey(parts: MachineParts): string {
  const { vmm, kernel, modules, disk, ...others } = parts
  const named = [
    FORMAT,
    WORDS_OF,
    mark(vmm),
    mark(kernel),
    mark(modules),
    mark(disk),
    Object.entries(others).sort(),
  ]
  return createHash('sha256').update(JSON.stringify(named)).digest('hex')
}

const mark = ({ path, bytes, inode, modified, changed }: FileMark) => [path, bytes, inode, modified, changed]
