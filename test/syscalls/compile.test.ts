import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compileFilter, compileProgram } from '../../src/syscalls/compile.js'
import {
  ALLOW,
  always,
  type Clause,
  errno,
  hasAny,
  isOneOf,
  KILL,
  type Profile,
  type Rule,
} from '../../src/syscalls/rule.js'
import { syscallNumbers } from '../../src/syscalls/table.js'
import { AUDIT_ARCH, disassemble, interpret } from './interpreter.js'

const X64 = `0 load [4]
1 if == 0xc000003e goto 3 else 2
2 return kill
3 load [0]
4 if >= 0x40000000 goto 5 else 8
5 if == 0xffffffff goto 7 else 6
6 return kill
7 return errno 38
8 if >= 0x2a goto 14 else 9
9 if >= 0x2 goto 11 else 10
10 return allow
11 if >= 0x29 goto 13 else 12
12 return errno 38
13 goto 19
14 if >= 0x38 goto 16 else 15
15 return errno 38
16 if >= 0x39 goto 18 else 17
17 goto 28
18 return errno 38
19 load [16]
20 if == 0x1 goto 21 else 27
21 load [24]
22 and 0xf
23 if == 0x1 goto 26 else 24
24 if == 0x2 goto 26 else 25
25 goto 27
26 return allow
27 return errno 97
28 load [16]
29 and 0x10000000
30 if == 0x0 goto 32 else 31
31 return errno 1
32 return allow`

function profile(rules: Readonly<Record<string, Rule>>, unlisted = errno('ENOSYS')): Profile {
  return { rules: new Map(Object.entries(rules)), unlisted }
}

test('a small profile, instruction by instruction: arch, x32 and -1 first, then the search, then the check', () => {
  const small = profile({
    read: always(ALLOW),
    write: always(ALLOW),
    clone: { clauses: [{ when: [hasAny(0, 0x10000000)], action: errno('EPERM') }], otherwise: ALLOW },
    socket: {
      clauses: [{ when: [isOneOf(0, [1]), isOneOf(1, [1, 2], 0xf)], action: ALLOW }],
      otherwise: errno('EAFNOSUPPORT'),
    },
  })
  assert.equal(disassemble(compileFilter(small, 'x64')), X64)
  const [first, second] = disassemble(compileFilter(small, 'arm64')).split('\n').slice(1)
  assert.deepEqual([first, second], ['1 if == 0xc00000b7 goto 3 else 2', '2 return kill'])
})

describe('shape', () => {
  test('neighbours with one action are one range, and a rule shared by calls has one block', () => {
    const shared: Rule = { clauses: [{ when: [isOneOf(0, [1])], action: KILL }], otherwise: ALLOW }
    const one = compileProgram(profile({ read: shared }), 'x64').length
    const two = compileProgram(profile({ read: shared, write: shared }), 'x64').length
    const apart = compileProgram(profile({ read: shared, open: shared }), 'x64').length
    assert.equal(two, one)
    // two more boundaries, two more leaves, no second block of four instructions
    assert.equal(apart, one + 4)
  })

  test('branches further than 255 instructions go by a jump: a rule of its own for every call', () => {
    const rules: Record<string, Rule> = {}
    for (const [name, number] of syscallNumbers('x64'))
      rules[name] = always({ kind: 'errno', errno: number + 1 })
    const bytes = compileFilter(profile(rules), 'x64')
    for (const number of syscallNumbers('x64').values()) {
      assert.equal(interpret(bytes, { arch: AUDIT_ARCH.x64, number, args: [] }), `errno ${number + 1}`)
    }
  })

  test('a condition with many values and a far way to skip still lands', () => {
    const many = Array.from({ length: 200 }, (_, index) => index * 3)
    const clause: Clause = { when: [isOneOf(0, many), isOneOf(1, many), isOneOf(2, many)], action: KILL }
    const bytes = compileFilter(profile({ read: { clauses: [clause], otherwise: ALLOW } }), 'x64')
    const ask = (...args: bigint[]) => interpret(bytes, { arch: AUDIT_ARCH.x64, number: 0, args })
    assert.equal(ask(0n, 3n, 597n), 'kill')
    assert.equal(ask(1n, 3n, 597n), 'allow')
    assert.equal(ask(0n, 3n, 598n), 'allow')
  })

  test('a program longer than the kernel takes is refused, not cut', () => {
    const rules: Record<string, Rule> = {}
    for (const name of syscallNumbers('x64').keys()) {
      const clauses = Array.from({ length: 8 }, (_, value) => ({ when: [isOneOf(0, [value])], action: KILL }))
      rules[name] = { clauses, otherwise: ALLOW }
    }
    assert.throws(() => compileFilter(profile(rules), 'x64'), /filter of \d+ instructions/)
  })

  test('the same profile gives the same bytes', () => {
    const again = () => compileFilter(profile({ read: always(ALLOW), write: always(KILL) }), 'arm64')
    assert.deepEqual(again(), again())
  })
})
