/** Glovebox on gVisor's kernel, by a real runsc: said for what it is, and refused before anything starts. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT, testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'

const RUNSC = ['runsc', '--platform=ptrace', '--network=none', '--ignore-cgroups']

function whyNot(): string | false {
  if (process.geteuid?.() !== 0) return 'runsc takes root to show the whole file system'
  const tried = spawnSync('runsc', [...RUNSC.slice(1), 'do', 'true'], { encoding: 'utf8', timeout: 60_000 })
  return tried.status === 0
    ? false
    : `runsc does not run here: ${tried.error?.message ?? tried.stderr.trim()}`
}

test('refused in one sentence, with where it can run', { skip: whyNot() }, async (t) => {
  const inside = (args: readonly string[]) =>
    finished(
      [...RUNSC, '--root', testFolder(t), 'do', process.execPath, join(ROOT, 'bin/glovebox'), ...args],
      { cwd: '/', timeout: 120_000 },
    )
  const run = await inside(['run', '--', 'echo', 'it ran'])
  assert.deepEqual([run.status, run.stdout], [125, ''], run.stderr)
  assert.match(
    run.stderr,
    /can't run here: This is gVisor's kernel, not Linux.* Start Glovebox outside of gVisor/,
  )
  const doctor = await inside(['doctor'])
  assert.match(doctor.stdout, /^note {5}host: Inside gVisor: Linux 4\.4 /)
})
