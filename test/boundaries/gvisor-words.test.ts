/**
 * What a plan becomes for gVisor, word for word: as test/plan/golden.test.ts has it for the process boundary. Where a difference is meant:
 *
 *     GLOVEBOX_GOLDEN=write node scripts/test.mjs gvisor-words && npx biome check --write test/boundaries/gvisor-golden
 */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { agentSettings } from '../../src/boundary/agent/settings.js'
import { gvisor, runscWords } from '../../src/boundary/gvisor/program.js'
import { boundaryNamed } from '../../src/boundary/index.js'
import { InForce } from '../../src/plan/index.js'
import { planFor } from '../../src/sandbox/index.js'
import { HOSTS, type HostName } from '../plan/hosts.js'
import { NO_CEILING, parse } from '../policy/harness.js'
import { ROOT } from '../support/checkout.js'

const POLICIES = {
  plain: { version: 1, boundary: 'gvisor' },
  networked: {
    version: 1,
    boundary: 'gvisor',
    workdir: '/out',
    files: { read: ['/srv/fonts', '/srv/in/a:/tmp/in/a'], write: ['/srv/out:/out'] },
    network: { allow: [{ host: 'example.com' }] },
    limits: { processes: 10 },
  },
} as const
const MACHINES = [
  'root with cgroup v1',
  'an ordinary user with cgroup v2',
] as const satisfies readonly HostName[]

const FOLDER = join(ROOT, 'test/boundaries/gvisor-golden')
const boundary = boundaryNamed('gvisor') ?? assert.fail('no boundary gvisor')

function golden(name: HostName, policy: object): Record<string, unknown> {
  const host = HOSTS[name]
  const checked = parse(policy, {
    ceiling: NO_CEILING,
    resolveHostPath: (path) => ({ path, kind: path.endsWith('/a') ? 'file' : 'directory' }),
  })
  const plan = planFor(checked, boundary, host)
  const { wall, label, rlimits, filters } = agentSettings(plan, host, gvisor)
  const said = {
    claims: plan.claims.map(({ id, status, by, absence }) =>
      [id, status, ...by, ...(absence === null ? [] : [absence])].join(' | '),
    ),
    runsc: runscWords(plan, host, InForce.all),
    config: JSON.parse(boundary.words(plan, host).join('\n')),
    tasks: gvisor.tasks(plan.limits.processes ?? 0, host),
    agent: { wall, label, filters, rlimits: rlimits.map((limit) => limit.join(' ')) },
  }
  return JSON.parse(JSON.stringify(said))
}

for (const machine of MACHINES)
  for (const [policy, written] of Object.entries(POLICIES))
    test(`${policy}, for ${machine}: what gVisor and the first process are told`, () => {
      const path = join(FOLDER, `${`${policy} for ${machine}`.replaceAll(/[^a-z0-9]+/g, '-')}.json`)
      const now = golden(machine, written)
      if (process.env.GLOVEBOX_GOLDEN === 'write') {
        mkdirSync(FOLDER, { recursive: true })
        writeFileSync(path, `${JSON.stringify(now, null, 2)}\n`)
      }
      const then = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
      for (const part of new Set([...Object.keys(now), ...Object.keys(then)]))
        assert.deepEqual(now[part], then[part], part)
    })
