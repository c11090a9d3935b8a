/** What may be asked of KVM by what runs a virtual machine: as much as a plain one takes. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { KVM_CALLS } from '../../src/syscalls/kvm-calls.js'
import { testFolder } from '../support/checkout.js'
import { verdictOf } from './tools.js'

const ENOTTY = 'errno 25'

describe('KVM', () => {
  const calls = Object.entries(KVM_CALLS)
  const of = (call: number, kvm: boolean) => verdictOf('x64', 'ioctl', [3, call, 0], { kvm })

  test('may be asked what a machine needs by what runs one on the processor, and by no job', () => {
    for (const [name, call] of calls) {
      assert.equal((call >> 8) & 0xff, 0xae, `${name} is no call of KVM’s`)
      assert.equal(of(call, true), 'allow', name)
      assert.equal(of(call, false), ENOTTY, name)
    }
  })

  test('is not asked for a machine in a machine, encrypted memory, Xen, or a device of the host’s', () => {
    // GET_NESTED_STATE, MEMORY_ENCRYPT_OP, XEN_HVM_CONFIG, XEN_HVM_SET_ATTR, CREATE_DEVICE, CREATE_GUEST_MEMFD, PPC's and s390's
    for (const call of [
      0xc080aebe, 0xc008aeba, 0x4038ae7a, 0x4048aec9, 0xc00caee0, 0xc040aed4, 0xaea7, 0x4040aeb0,
    ])
      assert.equal(of(call, true), ENOTTY, call.toString(16))
  })

  test('is called by the numbers of linux/kvm.h', {
    skip: existsSync('/usr/include/linux/kvm.h') ? false : 'linux/kvm.h is not installed',
  }, (t) => {
    const folder = testFolder(t)
    const [source, program] = [join(folder, 'numbers.c'), join(folder, 'numbers')]
    const lines = calls.map(([name]) => `printf("%u ", (unsigned)KVM_${name});`)
    const known = lines.map((line, index) => {
      const name = `KVM_${calls[index]?.[0]}`
      return `#ifdef ${name}\n${line}\n#else\nprintf("0 ");\n#endif`
    })
    writeFileSync(
      source,
      `#include <linux/kvm.h>\n#include <stdio.h>\nint main(void) {\n${known.join('\n')}\n}\n`,
    )
    execFileSync('gcc', ['-o', program, source])
    const said = execFileSync(program, { encoding: 'utf8' }).trim().split(' ').map(Number)
    assert.ok(said.filter((number) => number !== 0).length > 60, 'the header knows most of them')
    for (const [index, [name, call]] of calls.entries())
      if (said[index] !== 0) assert.equal(call, said[index], name)
  })
})
