/** What a claim is kept by are mechanisms that have an id, so that each can be left off and missed. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { boundaryNamed } from '../../src/boundary/index.js'
import { MECHANISMS, requireKnown } from '../../src/boundary/process/mechanisms.js'
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
      boundary.answer({ requirement: requirement(id), host: HOSTS[host], cpus: each }),
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
    assert.throws(() => requireKnown(leftOff), /no mechanism is called pid-namespaces$/)
    assert.doesNotThrow(() => requireKnown(InForce.all))
  })
})
