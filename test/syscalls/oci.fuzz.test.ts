/** What `oci-rule.ts` holds of libseccomp's order, on rules that no profile has. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ociForm } from '../../src/syscalls/oci.js'
import {
  type Action,
  ALLOW,
  type Condition,
  decide,
  errno,
  KILL,
  type Rule,
} from '../../src/syscalls/rule.js'
import { syscallNumbers } from '../../src/syscalls/table.js'
import { AUDIT_ARCH, interpret } from './interpreter.js'
import { HAS_LIBSECCOMP, referenceTool } from './reference.js'
import { runcReads } from './runc-reads.js'
import { vectors } from './vectors.js'

const SECONDS = Number(process.env.GLOVEBOX_FUZZ_SECONDS ?? 1)
const PRCTL = syscallNumbers('x64').get('prctl') ?? assert.fail()

const spoken = (action: Action) => (action.kind === 'errno' ? `errno ${action.errno}` : action.kind)

describe('libseccomp, told as runc tells it, says the same of random rules', {
  skip: !HAS_LIBSECCOMP && 'no C compiler or no libseccomp-dev',
}, () => {
  const tool = referenceTool()
  const action = fc.constantFrom<Action>(ALLOW, KILL, errno('EPERM'), errno('EINVAL'))
  const word = fc.oneof(fc.integer({ min: 0, max: 7 }), fc.constantFrom(0x5412, 0x8000_0000, 0xffff_ffff))
  const condition: fc.Arbitrary<Condition> = fc.record({
    argument: fc.constantFrom(0, 1, 5),
    half: fc.constant('low'),
    mask: fc.oneof(fc.constant(0xffff_ffff), fc.constantFrom(0, 1, 6, 0xf, 0xffff_ff00, 0x8000_0001)),
    values: fc.array(word, { maxLength: 3 }),
    member: fc.boolean(),
  })
  // a mask of the whole upper half is no number of JSON's
  const high: fc.Arbitrary<Condition> = condition.map((low) => ({
    ...low,
    half: 'high',
    mask: low.mask & 0xf,
  }))
  const rule: fc.Arbitrary<Rule> = fc.record({
    clauses: fc.array(fc.record({ when: fc.array(fc.oneof(condition, high), { maxLength: 3 }), action }), {
      maxLength: 3,
    }),
    otherwise: action,
  })

  test('with the values that they test for, their neighbours and junk', () => {
    fc.assert(
      fc.property(rule, (given) => {
        const unlisted = errno('ENOSYS')
        const { program } = runcReads(
          tool,
          'x64',
          ociForm({ rules: new Map([['prctl', given]]), unlisted }, 'x64'),
        )
        for (const args of vectors(given)) {
          const said = interpret(program, { arch: AUDIT_ARCH.x64, number: PRCTL, args })
          assert.equal(said, spoken(decide(given, args)), args.join(', '))
        }
      }),
      { numRuns: Number.POSITIVE_INFINITY, interruptAfterTimeLimit: SECONDS * 1000 },
    )
  })
})
