import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type Arch, compiledKeeper } from '../../src/syscalls/index.js'
import { syscallNumbers } from '../../src/syscalls/table.js'
import { AUDIT_ARCH, interpret, type Verdict } from './interpreter.js'
import { compileTool, filterFor, HAS_COMPILER, SCRATCH } from './tools.js'

const ARCH: Arch = process.arch === 'arm64' ? 'arm64' : 'x64'

interface Case {
  readonly abi: 'native' | 'i386' | 'x32'
  readonly number: number
  readonly args: readonly bigint[]
}

/** The kernel's verdicts on `cases` under `filter`; nothing of what the calls ask for takes place. */
function askKernel(tool: string, filter: Uint8Array, cases: readonly Case[]): readonly string[] {
  const path = join(SCRATCH, 'filter.bpf')
  writeFileSync(path, filter)
  const input = cases.map(({ abi, number, args }) => `${abi} ${number} ${six(args).join(' ')}\n`).join('')
  const { status, stdout, stderr } = spawnSync(tool, [path], { input, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return stdout.trim().split('\n')
}

function six(args: readonly bigint[]): readonly bigint[] {
  return Array.from({ length: 6 }, (_, index) => BigInt.asUintN(64, args[index] ?? 0n))
}

function ours(filter: Uint8Array, { abi, number, args }: Case): Verdict {
  const arch = abi === 'i386' ? AUDIT_ARCH.i386 : AUDIT_ARCH[ARCH]
  return interpret(filter, {
    arch,
    number: abi === 'x32' ? (number | 0x40000000) >>> 0 : number,
    args: six(args),
  })
}

function compare(tool: string, filter: Uint8Array, cases: readonly Case[]): void {
  const verdicts = askKernel(tool, filter, cases)
  assert.equal(verdicts.length, cases.length)
  const spoken = (each: Case, verdict: string | undefined) =>
    `${each.abi} ${each.number} (${each.args.join(', ')}): ${verdict}`
  assert.deepEqual(
    cases.map((each, index) => spoken(each, verdicts[index])),
    cases.map((each) => spoken(each, ours(filter, each))),
  )
}

/**
 * The kernel doesn't ask filters about uretprobe and uprobe (kernel/seccomp.c, since 6.14 and 6.18), which only
 * its own trampolines may make: any other caller gets a signal or an error.
 */
const PAST_FILTERS = ['uretprobe', 'uprobe'].map((name) => syscallNumbers(ARCH).get(name))

function numbers(abi: Case['abi'], args: readonly bigint[]): readonly Case[] {
  const all = Array.from({ length: 601 }, (_, number) => ({ abi, number, args }))
  return abi === 'native' ? all.filter(({ number }) => !PAST_FILTERS.includes(number)) : all
}

const tool = HAS_COMPILER ? compileTool('verdicts') : ''

for (const profile of ['default', 'compute'] as const)
  describe(`the kernel says what the interpreter says of the ${profile} profile`, {
    skip: !HAS_COMPILER && 'no C compiler',
  }, () => {
    const filter = filterFor(ARCH, { profile })

    test('of every native number from 0 to 600 with arguments of 0, of all ones and of junk above an int', () => {
      for (const value of [0n, (1n << 64n) - 1n, (0xdead_beefn << 32n) | 1n]) {
        compare(tool, filter, numbers('native', Array(6).fill(value)))
      }
    })

    test('and kills every number by int 0x80 and by x32', { skip: ARCH !== 'x64' && 'x86_64 only' }, () => {
      for (const abi of ['i386', 'x32'] as const) {
        const cases = numbers(abi, [])
        assert.deepEqual(new Set(askKernel(tool, filter, cases)), new Set(['kill']))
        compare(tool, filter, cases)
      }
    })

    test('of the attacks that rest on a half of an argument', () => {
      const number = (name: string) => syscallNumbers(ARCH).get(name) ?? assert.fail(name)
      const attack = (name: string, ...args: bigint[]): Case => ({
        abi: 'native',
        number: number(name),
        args,
      })
      const junk = 0xdead_beefn << 32n
      const attacks = [
        attack('ioctl', 0n, 0x5412n),
        attack('ioctl', 0n, 0x5412n | junk),
        attack('clone', 0x10000000n | junk),
        attack('clone', 0x11n),
        attack('socket', 1n | junk, 1n),
        attack('socket', 40n, 1n),
        attack('prlimit64', 1n | junk),
        attack('fchmod', 3n, 0o4755n | junk),
        attack('openat', 0n, 0n, 0o100n | junk, 0o4755n | junk),
        attack('personality', 0x400000n | junk),
        attack('mmap', 0n, 4096n, 3n, 0x40022n, 0n, 0n),
        attack('prctl', 35n | junk),
      ]
      compare(tool, filter, attacks)
      const refused = askKernel(tool, filter, attacks).filter((verdict) => verdict !== 'allow')
      // what runs: a plain clone, and by default a Unix socket
      assert.equal(refused.length, attacks.length - (profile === 'default' ? 2 : 1))
    })
  })

describe('the filters that a job of the compute profile lives under', {
  skip: !HAS_COMPILER && 'no C compiler',
}, () => {
  test('the kernel says what the interpreter says of the first process’s', () => {
    const filter = compiledKeeper({ arch: ARCH, allow: [] })
    for (const value of [0n, (1n << 64n) - 1n]) compare(tool, filter, numbers('native', Array(6).fill(value)))
  })
})
