/**
 * What the same plans become for runc: config.json, what its root is made of, and what is answered. Written anew as in golden.test.ts:
 *
 *     GLOVEBOX_GOLDEN=write node scripts/test.mjs plan/golden-runc && npx biome check --write test/plan/golden-runc
 */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { boundaryNamed } from '../../src/boundary/index.js'
import { layer } from '../../src/boundary/oci/layer.js'
import { planFor } from '../../src/sandbox/index.js'
import { NO_CEILING, parse } from '../policy/harness.js'
import { ROOT } from '../support/checkout.js'
import { HOSTS, type HostName } from './hosts.js'

const POLICIES = {
  plain: { version: 1 },
  grants: {
    version: 1,
    workdir: '/out',
    files: {
      read: ['/srv/fonts', '/srv/in/a:/tmp/in/a'],
      write: ['/srv/out:/out', { path: '/srv/live:/job/live', live: true }],
    },
  },
  tree: {
    version: 1,
    root: 'dir:/srv/root',
    workdir: '/w/k',
    files: { read: ['/srv/fonts', '/srv/in/a:/tmp/in/a'] },
  },
  inspected: {
    version: 1,
    network: { allow: [{ host: 'host.test', inspect: true, methods: ['GET'] }] },
  },
} as const
const NAMES: readonly HostName[] = ['root with cgroup v1', 'an ordinary user without cgroups']

const FOLDER = join(ROOT, 'test/plan/golden-runc')
const WRITE = process.env.GLOVEBOX_GOLDEN === 'write'
const boundary = boundaryNamed('runc') ?? assert.fail('no runc boundary')
const base = boundaryNamed('process') ?? assert.fail('no process boundary')

function golden(hostName: HostName, policy: object): Record<string, unknown> {
  const host = HOSTS[hostName]
  const checked = parse(
    { ...policy, boundary: 'runc' },
    {
      ceiling: NO_CEILING,
      resolveHostPath: (path) => ({ path, kind: path.endsWith('/a') ? 'file' : 'directory' }),
    },
  )
  const plan = planFor(checked, boundary, host)
  const { linux, ...config } = JSON.parse(boundary.words(plan, host).join('\n'))
  // the filter has goldens of its own, in test/syscalls
  const { seccomp, ...rest } = linux
  assert.ok(seccomp.syscalls.length > 100 && seccomp.defaultAction === 'SCMP_ACT_ERRNO')
  const others = new Map(planFor(checked, base, host).claims.map(({ id, by }) => [id, by.join('; ')]))
  return {
    config: { ...config, linux: rest },
    layer: layer(plan, host),
    // where it is another answer than the process boundary's
    answers: Object.fromEntries(
      plan.claims
        .filter(({ id, by }) => by.join('; ') !== others.get(id))
        .map(({ id, status, by }) => [id, [status, ...by]]),
    ),
  }
}

const CASES = NAMES.flatMap((host) =>
  (Object.keys(POLICIES) as (keyof typeof POLICIES)[]).map((policy) => ({
    name: `${policy}, for ${host}`,
    file: `${`${policy} for ${host}`.replaceAll(/[^a-z0-9]+/g, '-')}.json`,
    made: () => JSON.parse(JSON.stringify(golden(host, POLICIES[policy]))) as Record<string, unknown>,
  })),
)

describe('plans for runc, word for word', () => {
  for (const { name, file, made } of CASES)
    test(name, () => {
      const path = join(FOLDER, file)
      if (WRITE) {
        mkdirSync(FOLDER, { recursive: true })
        writeFileSync(path, `${JSON.stringify(made(), null, 2)}\n`)
      }
      const [now, then] = [made(), JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>]
      for (const part of new Set([...Object.keys(now), ...Object.keys(then)]))
        assert.deepEqual(now[part], then[part], part)
    })

  test('no file without a test', () => {
    assert.deepEqual(readdirSync(FOLDER).sort(), CASES.map(({ file }) => file).sort())
  })
})
