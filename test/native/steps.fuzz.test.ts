import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { everyMoment, everyStep } from '../microvm/every-step.js'
import { testFolder } from '../support/checkout.js'
import { NO_SANITIZERS, sanitized } from './sanitized.js'

const SECONDS = Number(process.env.GLOVEBOX_FUZZ_SECONDS ?? 1)

test('guest takes the steps that it should, and reads not one byte too many, whatever it is sent', {
  skip: NO_SANITIZERS,
}, (t) => {
  const folder = testFolder(t)
  const { T, G } = everyMoment()
  const files = [...everyStep(), T, G].map((steps, each) => {
    const file = join(folder, `${each}`)
    writeFileSync(file, Buffer.concat(steps))
    return file
  })
  const program = sanitized('steps-fuzz', ['test/native/steps-fuzz.c', 'native/guest/parse.c'])
  const seed = `${Math.floor(Math.random() * 2 ** 48)}`
  const { status, stdout, stderr } = spawnSync(program, [seed, `${SECONDS}`, ...files], { encoding: 'utf8' })
  assert.equal(status, 0, `seed ${seed}: ${stderr}`)
  const [accepted = 0, refused = 0] = stdout.match(/\d+/g)?.map(Number) ?? []
  assert.ok(accepted > 50 && refused > 50, `both ways are gone: ${stdout}`)
})
