import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { launchHead, launchRequest } from '../../src/boundary/cell/request.js'
import { boundaryNamed } from '../../src/boundary/index.js'
import { bubblewrap } from '../../src/boundary/process/program.js'
import type { NetworkPlan } from '../../src/plan/index.js'
import { planFor } from '../../src/sandbox/index.js'
import { HOSTS } from '../plan/hosts.js'
import { parse } from '../policy/harness.js'
import { testFolder } from '../support/checkout.js'
import { NO_SANITIZERS, sanitized } from './sanitized.js'

const SECONDS = Number(process.env.GLOVEBOX_FUZZ_SECONDS ?? 1)

const boundary = boundaryNamed('process') ?? assert.fail('no process boundary')
const NETWORK: NetworkPlan = {
  rules: [],
  loopback: true,
  resolver: '198.18.0.53',
  budget: { maxUploadBytes: 1, maxDownloadBytes: 1, maxConnections: 1, maxRate: 1 },
  timeouts: { connectMs: 1, headMs: 1, idleMs: 1 },
}
const resolveHostPath = (path: string) => ({ path, kind: 'directory' }) as const

test('cell takes what it should, and reads not one byte too many, whatever it is sent', {
  skip: NO_SANITIZERS,
}, (t) => {
  const folder = testFolder(t)
  const policies = [
    parse({ version: 1 }),
    parse({ version: 1, files: { read: ['/a', '/b:/c'], write: ['/d'] } }, { resolveHostPath }),
    parse({ version: 1, root: 'dir:/r', files: { read: ['/a', '/b:/c'] } }, { resolveHostPath }),
  ]
  const files = Object.values(HOSTS).flatMap((host, h) =>
    policies.map((policy, p) => {
      const plan = { ...planFor(policy, boundary, host), network: p === 0 ? null : NETWORK }
      const file = join(folder, `${h}-${p}`)
      writeFileSync(
        file,
        Buffer.concat([launchHead(1, plan, host, 1), launchRequest(plan, host, bubblewrap)]),
      )
      return file
    }),
  )
  const program = sanitized('request-fuzz', ['test/native/request-fuzz.c', 'native/cell/request.c'])
  const seed = `${Math.floor(Math.random() * 2 ** 48)}`
  const { status, stdout, stderr } = spawnSync(program, [seed, `${SECONDS}`, ...files], { encoding: 'utf8' })
  assert.equal(status, 0, `seed ${seed}: ${stderr}`)
  const [accepted = 0, refused = 0] = stdout.match(/\d+/g)?.map(Number) ?? []
  assert.ok(accepted > 50 && refused > 50, `both ways are gone: ${stdout}`)
})
