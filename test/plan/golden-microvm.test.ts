/**
 * What the same plans become for a virtual machine: what it is told before it is saved and when it goes on, QEMU's words for both, and its
 * jail. Written anew as in golden.test.ts:
 *
 *     GLOVEBOX_GOLDEN=write node scripts/test.mjs plan/golden-microvm && npx biome check --write test/plan/golden-microvm
 */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { FrameReader } from '../../src/boundary/agent/wire.js'
import { boundaryNamed } from '../../src/boundary/index.js'
import type { Step } from '../../src/boundary/microvm/guest/steps.js'
import { jailPlan, savedBytes } from '../../src/boundary/microvm/jail.js'
import { shapeOf } from '../../src/boundary/microvm/shape.js'
import { moment, told } from '../../src/boundary/microvm/told.js'
import { restoreWords, saveWords } from '../../src/boundary/microvm/vmm/qemu.js'
import { planFor } from '../../src/sandbox/index.js'
import { NO_CEILING, parse } from '../policy/harness.js'
import { ROOT } from '../support/checkout.js'
import { HOSTS, type HostName } from './hosts.js'

const POLICIES = {
  plain: { version: 1 },
  limits: {
    version: 1,
    workdir: '/w/k',
    env: { LANG: 'C.UTF-8' },
    files: { write: ['/srv/out:/w/out'] },
    limits: { memory: '1GiB', cpus: 2, processes: 10, scratch: '8MiB' },
  },
  inspected: {
    version: 1,
    network: { loopback: true, allow: [{ host: 'host.test', inspect: true, methods: ['GET'] }] },
  },
} as const
const NAMES: readonly HostName[] = ['root with cgroup v1', 'an ordinary user without cgroups']

const FOLDER = join(ROOT, 'test/plan/golden-microvm')
const WRITE = process.env.GLOVEBOX_GOLDEN === 'write'
const boundary = boundaryNamed('microvm') ?? assert.fail('no microvm boundary')
const base = boundaryNamed('process') ?? assert.fail('no process boundary')
const root = {
  kind: 'image',
  reference: 'image',
  digest: `sha256:${'0'.repeat(64)}`,
  path: '/images/tree',
  disk: '/images/root.erofs',
} as const

/** A step's tag, and what it says: NUL-terminated texts, numbers as bytes. */
function read(steps: readonly Step[]): string[] {
  return new FrameReader(1 << 23)
    .push(Buffer.concat(steps))
    .map(({ tag, bytes }) => `${tag} ${bytes.toString('latin1').replace(/[^\x20-\x7e]/g, escaped)}`)
}

const escaped = (byte: string) =>
  byte === '\n' ? '\\n' : `\\${byte.charCodeAt(0).toString(16).padStart(2, '0')}`

function golden(hostName: HostName, policy: object): Record<string, unknown> {
  const host = HOSTS[hostName]
  const checked = parse(
    { ...policy, boundary: 'microvm', root: 'image:image', waive: host.uid === 0 ? [] : ['limits.memory'] },
    { ceiling: NO_CEILING, resolveHostPath: (path) => ({ path, kind: 'directory' }) },
  )
  const plan = planFor(checked, boundary, host, root)
  const shape = shapeOf(plan, host, 'tcg')
  const jail = { shape, plan, grants: [], restores: true, scratchBytes: 1, places: plan.files.scratch.places }
  const { claims: _, ...jailed } = jailPlan(jail)
  const others = new Map(planFor(checked, base, host, root).claims.map(({ id, by }) => [id, by.join('; ')]))
  const files = plan.network === null ? {} : { 'authority.pem': Buffer.from('CERTIFICATE\n') }
  return {
    told: read(
      told(
        plan,
        plan.files.read.map(() => false),
      ),
    ),
    moment: read(moment({ nowMs: 1_700_000_000_123, entropy: Buffer.alloc(32, 0x7e), files })),
    saved: saveWords('qemu', shape),
    savedBytes: savedBytes(shape),
    restored: restoreWords('qemu', shape),
    jail: jailed,
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

describe('plans for a virtual machine, word for word', () => {
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
