/**
 * `empty.marks` looks everywhere in a sandbox for what is somebody else's. Here somebody's mark does get in, by each of the ways that a job
 * is handed something: a probe that did not say so would miss a Glovebox that mixes up two jobs.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePolicy } from '../../src/index.js'
import { type Bench, type InsideOptions, PROBES } from '../../src/proof/probes/index.js'
import { lookAround } from '../../src/proof/verify/around.js'
import { benchOf } from '../../src/proof/verify/bench.js'
import { layDecoys } from '../../src/proof/verify/decoys.js'
import { judge } from '../../src/proof/verify/judge.js'
import { explainPlan, hostOf, PlanRunner } from '../../src/sandbox/index.js'
import { USERS } from '../support/users.js'

const [user] = USERS
const waive = user?.noMemoryLimit === null ? [] : ['limits.memory']

interface Leak {
  readonly options?: (mark: string) => InsideOptions
  readonly env?: (mark: string) => Readonly<Record<string, string>>
  /** by which looks it is found */
  readonly found: readonly string[]
}

const LEAKS: Readonly<Record<string, Leak>> = {
  'nothing of anybody': { found: [] },
  'bytes of an input': {
    options: (mark) => ({ inputs: [{ path: '/tmp/a', mode: 0o644, content: [Buffer.from(`x${mark}`)] }] }),
    found: ['search-files'],
  },
  'the name of an input': {
    options: (mark) => ({ inputs: [{ path: `/tmp/a-${mark}`, mode: 0o644, content: [] }] }),
    found: ['search-files'],
  },
  'standard input': {
    options: (mark) => ({ stdin: Buffer.from(`${'x'.repeat(70_000)}${mark}`) }),
    found: ['search-descriptors'],
  },
  'a variable': { env: (mark) => ({ A: `b${mark}` }), found: ['search-memory', 'search-kernel'] },
}

for (const [what, { options, env, found }] of Object.entries(LEAKS))
  test(`where there is ${what} in a sandbox, it is ${found.length > 0 ? 'found' : 'empty'}`, {
    skip: user?.skip ?? false,
  }, async () => {
    const { plan } = explainPlan(parsePolicy({ version: 1, waive }))
    const host = hostOf()
    const runner = new PlanRunner(host, plan, { warm: true })
    const decoys = await layDecoys(null)
    try {
      const open = benchOf({ runner, plan, decoys, ...lookAround() })
      const mark = open.view.word()
      const marks = [mark]
      const bench: Bench = {
        ...open,
        view: { ...open.view, word: () => marks.shift() ?? open.view.word() },
        inside: (attempts, under = open.roomy, given = {}) => {
          if (attempts[0]?.words[0] !== 'search-files') return open.inside(attempts, under, given)
          const leaky = { ...under, env: { ...under.env, ...env?.(mark) } }
          return open.inside(attempts, leaky, { ...given, ...options?.(mark) })
        },
      }
      const probe = PROBES.find(({ id }) => id === 'empty.marks') ?? assert.fail()
      const trial = probe.trial({ plan, host, ...lookAround() })
      assert.ok('inside' in trial)
      const tried = await trial.inside(bench)
      assert.deepEqual(
        tried.filter(({ reached }) => reached).map(({ attempt }) => attempt.split(' ')[0]),
        found,
      )
      assert.equal(judge(tried, []).status, found.length > 0 ? 'broken' : 'controlFailed')
    } finally {
      await runner.close()
      await decoys.remove()
    }
  })
