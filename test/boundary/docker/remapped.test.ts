/** An engine whose containers have a user namespace (`userns-remap`): the job is 1000 inside, and nobody of the host. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { identityOf } from '../../../src/boundary/docker/identity.js'
import { REMAPPED_BASE, TestEngine } from '../../support/docker-engine.js'
import { box, planOf, run, traits } from './box.js'

const started = await TestEngine.start({ remapped: true })
const skip = typeof started === 'string' ? started : false
const own = started as TestEngine
const engine = skip === false ? await own.client() : (null as never)
after(async () => {
  if (skip === false) await own.end()
})

describe('with a user namespace of the engine’s', { skip }, () => {
  test('the job is 1000, writes to its scratch, and is an id of the engine’s range outside', async () => {
    const identity = identityOf(planOf({}), (await traits(engine)).remapped, 0.5)
    assert.deepEqual(identity, { uid: 1000, gid: 1000 })
    const script =
      'id -u; echo > /job/x && echo written; cat /etc/hostname; (echo > /x) 2>/dev/null || echo no'
    const { stdout, stderr } = await run(engine, own.folder, ['/bin/sh', '-c', script], {
      parts: { identity },
    })
    assert.equal(stdout, '1000\nwritten\nglovebox\nno\n', stderr)

    const made = await box(engine, own.folder, ['/bin/cat'], { parts: { identity } })
    try {
      await engine.start(made.id)
      const { Pid } = (await engine.container(made.id)).State
      const outside = REMAPPED_BASE + 1000
      assert.match(readFileSync(`/proc/${Pid}/status`, 'latin1'), new RegExp(`^Uid:(\\t${outside}){4}$`, 'm'))
    } finally {
      await made.end()
    }
  })
})
