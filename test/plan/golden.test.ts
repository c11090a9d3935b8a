/**
 * Plans, what they become for bubblewrap and for cell, and how they are explained: word for word, for fixed machines. A
 * change shows as a difference in test/plan/golden. Where it is meant, write the files anew and read the diff:
 *
 *     GLOVEBOX_GOLDEN=write node scripts/test.mjs plan/golden && npx biome check --write test/plan/golden
 */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { rlimits } from '../../src/boundary/agent/rlimits.js'
import { wall } from '../../src/boundary/agent/wall.js'
import { launchHead, launchRequest } from '../../src/boundary/cell/request.js'
import { boundaryNamed } from '../../src/boundary/index.js'
import { bubblewrap } from '../../src/boundary/process/program.js'
import { explanation, explanationText } from '../../src/proof/index.js'
import { planFor } from '../../src/sandbox/index.js'
import { NO_CEILING, parse } from '../policy/harness.js'
import { ROOT } from '../support/checkout.js'
import { HOSTS, type HostName } from './hosts.js'
import { readRequest } from './request.js'

const POLICIES = {
  plain: { version: 1 },
  grants: {
    version: 1,
    workdir: '/out',
    env: { LANG: 'C.UTF-8' },
    files: { read: ['/srv/fonts', '/srv/in/a:/tmp/in/a'], write: ['/srv/out:/out'] },
    limits: { memory: '1GiB', cpus: 2, processes: 10, openFiles: 64, output: '1MiB', scratch: '8MiB' },
    lifetime: { deadline: '5s', noOutput: '1s' },
    syscalls: { deny: ['flock'] },
  },
  compute: { version: 1, syscalls: { profile: 'compute', lock: 'sealed', allow: ['inotify_init1'] } },
  tree: {
    version: 1,
    root: 'dir:/srv/root',
    workdir: '/w/k',
    files: { read: ['/srv/fonts', '/srv/in/a:/tmp/in/a'] },
  },
  waived: { version: 1, waive: ['limits.memory', 'limits.cpus', 'limits.processes'] },
} as const

const FOLDER = join(ROOT, 'test/plan/golden')
const WRITE = process.env.GLOVEBOX_GOLDEN === 'write'
const boundary = boundaryNamed('process') ?? assert.fail('no process boundary')

function golden(hostName: HostName, policy: object): Record<string, unknown> {
  const host = HOSTS[hostName]
  const checked = parse(policy, {
    ceiling: NO_CEILING,
    resolveHostPath: (path) => ({ path, kind: path.endsWith('/a') ? 'file' : 'directory' }),
  })
  const plan = planFor(checked, boundary, host)
  return JSON.parse(
    JSON.stringify({
      plan: { ...plan, claims: plan.claims.map(({ mechanisms: _ids, ...claim }) => claim) },
      words: boundary.words(plan, host),
      request: readRequest(
        Buffer.concat([launchHead(7, plan, host, 3), launchRequest(plan, host, bubblewrap)]),
        plan,
        host,
      ),
      places: wall(plan, host).places.map(({ path, rights }) => `${path} 0x${rights.toString(16)}`),
      leastAbi: wall(plan, host).leastAbi,
      rlimits: rlimits(plan, host).map((limit) => limit.join(' ')),
      explained: explanationText(
        explanation(plan, boundary.kernel(plan, host), 'f'.repeat(64), ['A warning.']),
      ),
    }),
  )
}

const CASES = (Object.keys(HOSTS) as HostName[]).flatMap((host) =>
  (Object.keys(POLICIES) as (keyof typeof POLICIES)[]).map((policy) => {
    const file = `${policy} for ${host}`.replaceAll(/[^a-z0-9]+/g, '-')
    return {
      name: `${policy}, for ${host}`,
      file: `${file}.json`,
      made: () => golden(host, POLICIES[policy]),
    }
  }),
)

describe('plans, word for word', () => {
  for (const { name, file, made } of CASES)
    test(name, () => {
      const path = join(FOLDER, file)
      if (WRITE) {
        mkdirSync(FOLDER, { recursive: true })
        writeFileSync(path, `${JSON.stringify(made(), null, 2)}\n`)
      }
      const [now, then] = [made(), JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>]
      // part by part: a difference is then short enough to be read
      for (const part of new Set([...Object.keys(now), ...Object.keys(then)]))
        assert.deepEqual(now[part], then[part], part)
    })

  test('no file without a test', () => {
    assert.deepEqual(readdirSync(FOLDER).sort(), CASES.map(({ file }) => file).sort())
  })
})
