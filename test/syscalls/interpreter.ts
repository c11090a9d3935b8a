/** A classic BPF machine as seccomp runs it: enough of it for our programs and for libseccomp's. */

/** What a program reads: `struct seccomp_data`. */
export interface Call {
  /** AUDIT_ARCH_* */
  readonly arch: number
  readonly number: number
  readonly args: readonly bigint[]
}

/** Written as the C tools of `native/test-syscalls` write it. */
export type Verdict = 'allow' | 'kill' | 'kill thread' | 'ask' | `errno ${number}`

export const AUDIT_ARCH = { x64: 0xc000003e, arm64: 0xc00000b7, i386: 0x40000003, arm: 0x40000028 } as const

export function interpret(program: Uint8Array, call: Call): Verdict {
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength)
  const data = seccompData(call)
  let accumulator = 0
  for (let at = 0; ; at += 1) {
    // past the end, DataView throws: the kernel would not have loaded such a program
    const opcode = code.getUint16(at * 8, true)
    const jt = code.getUint8(at * 8 + 2)
    const jf = code.getUint8(at * 8 + 3)
    const k = code.getUint32(at * 8 + 4, true)
    if (opcode === 0x20) accumulator = data.getUint32(k, true)
    else if (opcode === 0x54) accumulator = (accumulator & k) >>> 0
    else if (opcode === 0x05) at += k
    else if (opcode === 0x15) at += accumulator === k ? jt : jf
    else if (opcode === 0x25) at += accumulator > k ? jt : jf
    else if (opcode === 0x35) at += accumulator >= k ? jt : jf
    else if (opcode === 0x45) at += (accumulator & k) !== 0 ? jt : jf
    else if (opcode === 0x06) return verdict(k)
    else throw new Error(`operation 0x${opcode.toString(16)} at ${at}`)
  }
}

/** One line an instruction, with the targets of jumps as line numbers. */
export function disassemble(program: Uint8Array): string {
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength)
  const lines: string[] = []
  for (let at = 0; at < program.length / 8; at += 1) {
    const opcode = code.getUint16(at * 8, true)
    const onTrue = at + 1 + code.getUint8(at * 8 + 2)
    const onFalse = at + 1 + code.getUint8(at * 8 + 3)
    const k = code.getUint32(at * 8 + 4, true)
    const hex = `0x${k.toString(16)}`
    const text: Record<number, string> = {
      32: `load [${k}]`,
      84: `and ${hex}`,
      5: `goto ${at + 1 + k}`,
      21: `if == ${hex} goto ${onTrue} else ${onFalse}`,
      53: `if >= ${hex} goto ${onTrue} else ${onFalse}`,
      6: `return ${opcode === 0x06 ? verdict(k) : ''}`,
    }
    lines.push(`${at} ${text[opcode] ?? 'unknown'}`)
  }
  return lines.join('\n')
}

function verdict(value: number): Verdict {
  const action = (value & 0xffff0000) >>> 0
  if (action === 0x7fff0000) return 'allow'
  if (action === 0x80000000) return 'kill'
  if (action === 0x00000000) return 'kill thread'
  if (action === 0x7fc00000) return 'ask'
  if (action === 0x00050000) return `errno ${value & 0xffff}`
  throw new Error(`return value 0x${value.toString(16)}`)
}

function seccompData({ arch, number, args }: Call): DataView {
  const data = new DataView(new ArrayBuffer(64))
  data.setUint32(0, number, true)
  data.setUint32(4, arch, true)
  for (let index = 0; index < 6; index += 1) {
    data.setBigUint64(16 + index * 8, BigInt.asUintN(64, args[index] ?? 0n), true)
  }
  return data
}
