/** What a claim is kept by are mechanisms that have an id, so that each can be left off and missed. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MECHANISMS, type MechanismId, requireLeavable } from '../../src/boundary/answers/mechanisms.js'
import { boundaryNamed } from '../../src/boundary/index.js'
import { InForce, REQUIREMENT_IDS, type Requirement } from '../../src/plan/index.js'
import { HOSTS, type HostName } from './hosts.js'

const boundary = boundaryNamed('process') ?? assert.fail('no process boundary')

const requirement = (id: Requirement['id']): Requirement => ({
  id,
  sentence: 'It holds.',
  family: 'escape',
  applies: true,
})

const enforcements = (Object.keys(HOSTS) as HostName[]).flatMap((host) =>
  REQUIREMENT_IDS.flatMap((id) => {
    const cpus = [1, 0.5, 64].map((each) =>
      boundary.answer({ requirement: requirement(id), host: HOSTS[host], plan: null, cpus: each }),
    )
    return cpus.flatMap((answer) => (answer.kind === 'enforced' ? [{ id, by: answer.by }] : []))
  }),
)

describe('mechanisms', () => {
  test('every word of an answer stands for mechanisms of the table', () => {
    for (const { id, by } of enforcements)
      for (const { says, mechanisms } of by)
        for (const each of mechanisms) assert.ok(Object.hasOwn(MECHANISMS, each), `${id}: ${says}: ${each}`)
  })

  test('every mechanism keeps some claim on some machine', () => {
    const used = new Set(enforcements.flatMap(({ by }) => by.flatMap(({ mechanisms }) => mechanisms)))
    assert.deepEqual(
      Object.keys(MECHANISMS).filter((id) => !used.has(id)),
      [],
    )
  })

  test('what does not exist can’t be left off', () => {
    const leftOff = new InForce({ mechanisms: new Set(['pid-namespace', 'pid-namespaces']), builds: '/x' })
    assert.throws(() => requireLeavable(leftOff, []), /no mechanism is called pid-namespaces$/)
    assert.doesNotThrow(() => requireLeavable(InForce.all, ['pid-namespace']))
  })

  test('a boundary that has something always does not let it be left off, and no launcher is started for it', () => {
    const without = (id: MechanismId) => new InForce({ mechanisms: new Set([id]), builds: '/x' })
    const host = HOSTS['root with cgroup v1']
    for (const [name, id, said] of [
      ['runc', 'own-proc', "this boundary can't leave off own-proc"],
      ['runc', 'pid-namespace', "this boundary can't leave off pid-namespace"],
      ['gvisor', 'no-user-namespaces', "this boundary can't leave off no-user-namespaces"],
      ['gvisor', 'masked-proc', "this boundary can't leave off masked-proc"],
      ['docker', 'ipc-namespace', "this boundary can't leave off ipc-namespace"],
      ['docker+runsc', 'cgroup-namespace', "this boundary can't leave off cgroup-namespace"],
    ] as const)
      assert.throws(() => boundaryNamed(name)?.open(host, true, without(id)), new RangeError(said))
  })
})
