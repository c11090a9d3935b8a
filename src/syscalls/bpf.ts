import type { Action } from './rule.js'

/** One classic BPF instruction: `struct sock_filter` of include/uapi/linux/filter.h. */
export interface Instruction {
  readonly code: number
  readonly jt: number
  readonly jf: number
  readonly k: number
}

/** Operations, include/uapi/linux/bpf_common.h. Of all of classic BPF a filter of ours uses these six. */
export const OP = {
  /** A = 32-bit word at offset k of `struct seccomp_data` */
  load: 0x20,
  /** A &= k */
  and: 0x54,
  /** continue k instructions further on */
  jump: 0x05,
  jumpIfEqual: 0x15,
  jumpIfAtLeast: 0x35,
  return: 0x06,
} as const

/** Offsets in `struct seccomp_data`, include/uapi/linux/seccomp.h. */
export const OFFSET = { number: 0, arch: 4, arguments: 16 } as const

/** The kernel's own bound on one program, BPF_MAXINSNS. */
export const MAX_INSTRUCTIONS = 4096

/** The furthest that a conditional jump reaches; jt and jf are bytes. */
export const MAX_BRANCH = 255

/** SECCOMP_RET_*; a call that several filters judge gets the least of their answers, as signed numbers. */
const RETURN = { kill: 0x8000_0000, errno: 0x0005_0000, ask: 0x7fc0_0000, allow: 0x7fff_0000 } as const

export function instruction(code: number, k: number, jt = 0, jf = 0): Instruction {
  return { code, jt, jf, k: k >>> 0 }
}

export function returning(action: Action): Instruction {
  const value = action.kind === 'errno' ? RETURN.errno | action.errno : RETURN[action.kind]
  return instruction(OP.return, value)
}

/** Eight bytes an instruction, little-endian: the bytes that seccomp(2) takes on x86_64 and arm64, and bwrap's `--seccomp`. */
export function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8)
  const view = new DataView(bytes.buffer)
  program.forEach(({ code, jt, jf, k }, index) => {
    view.setUint16(index * 8, code, true)
    view.setUint8(index * 8 + 2, jt)
    view.setUint8(index * 8 + 3, jf)
    view.setUint32(index * 8 + 4, k, true)
  })
  return bytes
}
