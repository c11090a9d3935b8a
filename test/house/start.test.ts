/** What a start of the command line reads is what a run needs: each kilobyte more costs every start. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from '../support/checkout.js'

/** The bundler says of each module where it begins. */
const modules = (script: string) =>
  [...readFileSync(join(ROOT, 'dist/cli', script), 'utf8').matchAll(/^\/\/ dist\/src\/(\S+)$/gm)].map(
    ([, name = '']) => name,
  )

test('nothing of explain, verify and doctor is in the script that every start reads', () => {
  const main = modules('main.cjs')
  assert.ok(main.includes('cli/run.js'), 'the modules of a script can be told')
  assert.deepEqual(
    main.filter((name) => /^proof\/|^cli\/(explain|verify|doctor)|^host\/engine\//.test(name)),
    [],
  )
})

test('the attacks are in the script of verify alone', () => {
  assert.ok(modules('verify.cjs').some((name) => name.startsWith('proof/probes/')))
  for (const script of ['explain.cjs', 'doctor.cjs', 'shared.cjs'])
    assert.deepEqual(
      modules(script).filter((name) => /^proof\/(probes|verify)\//.test(name)),
      [],
      script,
    )
})
