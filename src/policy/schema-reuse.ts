import * as z from 'zod/mini'
import * as bounds from './bounds.js'
import { duration, noted, number, oneOf, section, sentences } from './leaves.js'
import { REUSED_SCRATCH } from './policy.js'

export function reuse() {
  const never = oneOf(['never'], 'a rule of reuse', { description: 'Each job has a fresh sandbox.' })
  const within = section(
    {
      within: oneOf(['tenant'], 'what a sandbox may be used again within', {
        description: 'Whose jobs may follow one another: those of one tenant, under one plan.',
      }),
      runs: z.optional(
        number(bounds.REUSE_RUNS, true, { description: 'Jobs in one sandbox, at most.', examples: [20] }),
      ),
      age: z.optional(
        duration(bounds.REUSE_AGE, {
          description: 'How long after the start of a sandbox its last job may start.',
          default: bounds.REUSE_AGE.initial,
          examples: ['2m', '10m'],
        }),
      ),
      scratch: z.optional(
        oneOf(REUSED_SCRATCH, 'what becomes of scratch', {
          description: 'Whether the next job finds the scratch folders empty, or as the last one left them.',
          default: 'clean',
        }),
      ),
    },
    '{within: tenant, runs: 100, age: 10m}',
    { description: 'A sandbox may run another job of the same tenant.' },
  )
  const error = () =>
    sentences('is not a rule of reuse.', 'Write never, or {within: tenant, runs: 100, age: 10m}.')
  return noted(z.union([never, within], { error }), {
    description: 'Whether a sandbox may run another job.',
    default: 'never',
    examples: ['never', { within: 'tenant', runs: 20, age: '2m' }],
  })
}
