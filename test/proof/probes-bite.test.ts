/**
 * The other half of a probe: where there is no sandbox at all, it says that the claim is broken. Only those whose attempts
 * aim at decoys, or change nothing of a host, can be tried like that.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { boundaryNamed } from '../../src/boundary/index.js'
import { type Bench, PROBES, type Probe } from '../../src/proof/probes/index.js'
import { lookAround } from '../../src/proof/verify/around.js'
import { benchOf } from '../../src/proof/verify/bench.js'
import { layDecoys } from '../../src/proof/verify/decoys.js'
import { judge } from '../../src/proof/verify/judge.js'
import { hostOf, PlanRunner, planFor } from '../../src/sandbox/index.js'
import { parse } from '../policy/harness.js'

/** Probes, and families of them, which end with a dot. */
const HARMLESS: readonly string[] = [
  ...['ipc.', 'lock.', 'no-exec.', 'no-sockets.', 'processes.'],
  ...['abi.int80', 'abi.int80-socket', 'calls.refused', 'calls.families'],
  ...[
    'files.canary',
    'files.canary-folder',
    'files.magic-links',
    'files.above',
    'sockets.path',
    'names.host',
  ],
  ...['inherited.workdir', 'inherited.session', 'watching.notify', 'watching.inotify'],
  ...['unshare', 'clone', 'clone3', 'limit'].map((way) => `user-namespaces.${way}`),
  ...['keys', 'personality', 'socket-filter', 'io-uring', 'io-uring-socket'].map((part) => `kernel.${part}`),
]

const isOf = (name: string, { id }: Probe) => (name.endsWith('.') ? id.startsWith(name) : id === name)

const policy = (syscalls: object) => parse({ version: 1, waive: ['limits.memory'], syscalls })

test('each name in the list is of a probe, or of a family', () => {
  assert.deepEqual(
    HARMLESS.filter((name) => !PROBES.some((probe) => isOf(name, probe))),
    [],
  )
})

test('where there is no sandbox, probes say so', async () => {
  const host = hostOf()
  const boundary = boundaryNamed('process') ?? assert.fail()
  const plan = planFor(policy({ lock: 'sealed' }), boundary, host)
  const given = { plan, host, ...lookAround() }
  const runner = new PlanRunner(host, plan)
  const decoys = await layDecoys(null)
  try {
    const open = benchOf({ runner, plan, decoys, caller: given.caller, machine: given.machine })
    const bench: Bench = {
      ...open,
      inside: async (attempts) => ({ tried: await open.open(attempts), run: null as never }),
    }
    const quiet: string[] = []
    const probes = PROBES.filter((probe) => HARMLESS.some((name) => isOf(name, probe)))
    for (const probe of probes) {
      const trial = probe.trial(given)
      if ('pointless' in trial) continue
      const control = await trial.control(bench)
      const { status, why } = judge(await trial.inside(bench), control)
      if (status !== 'broken' && status !== 'notApplicable')
        quiet.push(`${probe.id}: ${status} ${why.join('; ')}`)
    }
    assert.deepEqual(quiet, [])
    assert.ok(probes.length > 50, `${probes.length}`)
  } finally {
    await runner.close()
    await decoys.remove()
  }
})
