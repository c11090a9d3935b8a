/** libseccomp, asked by `native/test-syscalls/reference.c` for the program that it makes of some rules. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Action } from '../../src/syscalls/rule.js'
import type { Arch } from '../../src/syscalls/table.js'
import { compileTool, HAS_COMPILER } from './tools.js'

export const HAS_LIBSECCOMP = HAS_COMPILER && existsSync('/usr/include/seccomp.h')

/** Younger than libseccomp 2.5.4 (Debian 12), so it can't say anything about them. */
export const UNKNOWN_TO_2_5_4: readonly string[] = [
  'cachestat fchmodat2 map_shadow_stack futex_wake futex_wait futex_requeue statmount listmount lsm_get_self_attr',
  'lsm_set_self_attr lsm_list_modules mseal setxattrat getxattrat listxattrat removexattrat open_tree_attr',
  'file_getattr file_setattr listns rseq_slice_yield uretprobe uprobe set_mempolicy_home_node',
].flatMap((line) => line.split(' '))

export interface Reference {
  readonly program: Uint8Array
  /** names that this libseccomp does not know */
  readonly unknown: readonly string[]
}

/** The tool's path; empty where it can't be compiled. */
export const referenceTool = () => (HAS_LIBSECCOMP ? compileTool('reference', '-lseccomp') : '')

/** `lines` in the form that the tool reads; `flags` as it takes them. */
export function reference(
  tool: string,
  arch: Arch,
  otherwise: Action,
  lines: readonly string[],
  ...flags: readonly string[]
): Reference {
  const { status, stdout, stderr } = spawnSync(tool, [arch, spoken(otherwise), ...flags], {
    input: `${lines.join('\n')}\n`,
  })
  assert.equal(status, 0, stderr.toString())
  return { program: stdout, unknown: stderr.toString().split('\n').filter(Boolean) }
}

export function spoken(action: Action): string {
  return action.kind === 'errno' ? String(action.errno) : action.kind
}
