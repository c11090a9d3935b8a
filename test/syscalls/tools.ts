import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { syscallFilter } from '../../src/syscalls/index.js'
import { type Arch, syscallNumbers } from '../../src/syscalls/table.js'
import { AUDIT_ARCH, interpret, type Verdict } from './interpreter.js'

/** The checkout that these compiled tests belong to. */
export const ROOT = findRoot(dirname(fileURLToPath(import.meta.url)))

export const HAS_COMPILER = spawnSync('cc', ['--version']).status === 0

/** A folder that is gone when the test process ends. */
export const SCRATCH = mkdtempSync(join(tmpdir(), 'glovebox-syscalls-'))
process.on('exit', () => rmSync(SCRATCH, { recursive: true, force: true }))

/** Compiles one of `native/test-syscalls` with every warning an error, and gives its path. */
export function compileTool(name: string, ...libraries: string[]): string {
  const output = join(SCRATCH, name)
  const source = join(ROOT, 'native', 'test-syscalls', `${name}.c`)
  execFileSync('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', output, source, ...libraries])
  return output
}

export interface Setting {
  readonly profile?: 'default' | 'compute'
  readonly inet?: boolean
  readonly cpuPinned?: boolean
  readonly hostFolders?: boolean
  readonly kvm?: boolean
  readonly deny?: readonly string[]
  readonly allow?: readonly string[]
}

const filters = new Map<string, Uint8Array>()

export function filterFor(arch: Arch, setting: Setting = {}): Uint8Array {
  const key = JSON.stringify([arch, setting])
  const { profile = 'default', inet = false, cpuPinned = false, hostFolders = false, kvm = false } = setting
  const { deny = [], allow = [] } = setting
  const bytes =
    filters.get(key) ??
    syscallFilter({ arch, profile, lock: null, deny, allow, inet, cpuPinned, hostFolders, kvm }).bytes
  filters.set(key, bytes)
  return bytes
}

/** What a profile, unless told otherwise the default one, says of a call by its name, as the compiled program for `arch` has it. */
export function verdictOf(
  arch: Arch,
  name: string,
  args: readonly (number | bigint)[],
  setting: Setting = {},
): Verdict {
  const number = syscallNumbers(arch).get(name)
  if (number === undefined) throw new Error(`${name} is no call of ${arch}`)
  const call = { arch: AUDIT_ARCH[arch], number, args: args.map((value) => BigInt(value)) }
  return interpret(filterFor(arch, setting), call)
}

function findRoot(from: string): string {
  if (existsSync(join(from, 'scripts', 'syscall-tables.mjs'))) return from
  const parent = dirname(from)
  if (parent === from) throw new Error('not in a checkout')
  return findRoot(parent)
}
