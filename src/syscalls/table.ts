import { TABLE_ARM64 } from './table-arm64.js'
import { TABLE_X86_64 } from './table-x86_64.js'

/** Processor names as `process.arch` spells them. */
export const ARCHES = ['x64', 'arm64'] as const
export type Arch = (typeof ARCHES)[number]

const NUMBERS: Readonly<Record<Arch, ReadonlyMap<string, number>>> = {
  x64: parse(TABLE_X86_64),
  arm64: parse(TABLE_ARM64),
}

/** Name → number of every system call known on `arch`, in the order of the numbers. */
export function syscallNumbers(arch: Arch): ReadonlyMap<string, number> {
  return NUMBERS[arch]
}

/** Known on some architecture. A policy is portable: `open` is a name on arm64 too, where no such call exists. */
export function isSyscallName(name: string): boolean {
  return ARCHES.some((arch) => NUMBERS[arch].has(name))
}

function parse(table: string): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>()
  for (const line of table.trim().split('\n')) {
    const [first, ...names] = line.split(' ')
    for (const [index, name] of names.entries()) numbers.set(name, Number(first) + index)
  }
  return numbers
}
