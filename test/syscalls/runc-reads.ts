/** What runc makes of `linux.seccomp`, by the library that it uses (libcontainer/seccomp/seccomp_linux.go, matchCall). */
import assert from 'node:assert/strict'
import type { OciSeccomp, OciSyscall } from '../../src/syscalls/index.js'
import type { Action } from '../../src/syscalls/rule.js'
import type { Arch } from '../../src/syscalls/table.js'
import { type Reference, reference, spoken } from './reference.js'

type Argument = NonNullable<OciSyscall['args']>[number]

/** Before 1.2, and since. */
export const RUNCS = ['runc', 'runc-1.2'] as const

export function runcReads(
  tool: string,
  arch: Arch,
  oci: OciSeccomp,
  version: (typeof RUNCS)[number] = 'runc',
): Reference {
  const otherwise = action(oci.defaultAction, oci.defaultErrnoRet)
  const lines = oci.syscalls.flatMap((each) => {
    const said = action(each.action, each.errnoRet)
    // runc leaves out what only repeats the default
    if (spoken(said) === spoken(otherwise)) return []
    const args = each.args ?? []
    const indexes = args.map(({ index }) => index)
    assert.equal(
      new Set(indexes).size,
      indexes.length,
      'runc would make alternatives of two tests of one argument',
    )
    return each.names.map((name) => [name, spoken(said), args.length, ...args.map(compared)].join(' '))
  })
  return reference(tool, arch, otherwise, lines, version)
}

function compared({ index, value, valueTwo, op }: Argument): string {
  return op === 'SCMP_CMP_EQ' ? `${index} ${(1n << 64n) - 1n} ${value}` : `${index} ${value} ${valueTwo}`
}

function action(kind: string, errnoRet: number | undefined): Action {
  if (kind === 'SCMP_ACT_ALLOW') return { kind: 'allow' }
  if (kind === 'SCMP_ACT_KILL_PROCESS') return { kind: 'kill' }
  assert.equal(kind, 'SCMP_ACT_ERRNO')
  return { kind: 'errno', errno: errnoRet ?? assert.fail('runc would say EPERM') }
}
