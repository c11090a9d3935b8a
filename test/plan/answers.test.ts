import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { jobLabel } from '../../src/boundary/agent/confinement.js'
import { BOUNDARY_NAMES, boundaryNamed } from '../../src/boundary/index.js'
import { BoundaryUnavailableError } from '../../src/errors/index.js'
import type { SecurityModule } from '../../src/host/index.js'
import { claimOf, enforcedBy, impossible, REQUIREMENT_IDS, type Requirement } from '../../src/plan/index.js'
import { planFor, requireEnforceable, requirementsOf } from '../../src/sandbox/index.js'
import { parse } from '../policy/harness.js'
import { HOSTS, type HostName } from './hosts.js'

const boundary = boundaryNamed('process') ?? assert.fail('no process boundary')
const names = Object.keys(HOSTS) as HostName[]

const statusOf = (host: HostName, policy: object = {}) => {
  const plan = planFor(parse({ version: 1, ...policy }), boundary, HOSTS[host])
  return new Map(plan.claims.map((claim) => [claim.id, claim]))
}

describe('every promise has an answer on every machine', () => {
  test('the planes ask for each requirement once, and for no other', () => {
    const asked = requirementsOf(parse({ version: 1 })).map(({ id }) => id)
    assert.deepEqual([...asked].sort(), [...REQUIREMENT_IDS].sort())
  })

  for (const host of names)
    test(`${host}: yes and by what, or no and how to get it`, () => {
      for (const claim of statusOf(host).values()) {
        if (claim.status === 'enforced')
          assert.ok(claim.by.length > 0 && claim.by.every((each) => each !== ''), claim.id)
        if (claim.status !== 'impossible') continue
        assert.deepEqual(claim.by, [], claim.id)
        assert.match(claim.refusal?.why ?? '', /\.$/, claim.id)
        assert.match(claim.refusal?.get ?? '', /`.+`/, `${claim.id} names a command`)
      }
    })

  test('root with cgroups keeps every promise', () => {
    for (const claim of statusOf('root with cgroup v1').values())
      assert.ok(['enforced', 'notApplicable'].includes(claim.status), claim.id)
  })

  test('without a cgroup the memory of all processes can’t be held: the start is refused', () => {
    const host = HOSTS['an ordinary user without cgroups']
    const plan = planFor(parse({ version: 1 }), boundary, host)
    assert.throws(
      () => requireEnforceable(plan, boundary, host),
      (error) => {
        assert.ok(error instanceof BoundaryUnavailableError)
        assert.match(
          error.message,
          /^limits\.memory can't be enforced here: No cgroup.*mount -t cgroup2.*systemd-run --user --scope/s,
        )
        return true
      },
    )
  })

  test('what needs no cgroup is enforced without one: whole processors, processes by namespace', () => {
    const claims = statusOf('an ordinary user without cgroups', { limits: { cpus: 2 } })
    assert.equal(claims.get('limits.cpus')?.status, 'enforced')
    assert.equal(claims.get('limits.processes')?.status, 'enforced')
    assert.equal(statusOf('an ordinary user of an old kernel').get('limits.processes')?.status, 'impossible')
    const half = statusOf('an ordinary user without cgroups', { limits: { cpus: 0.5 } })
    assert.equal(half.get('limits.cpus')?.status, 'impossible')
    assert.match(half.get('limits.cpus')?.refusal?.get ?? '', /whole number/)
  })

  test('a kernel that is too old, no bubblewrap, no namespaces, another system: not here, and what to do', () => {
    const host = HOSTS['root with cgroup v1']
    for (const [change, what, get] of [
      [{ kernel: [5, 11] }, /Linux 5\.11 is too old/, /5\.12/],
      [{ bubblewrap: null }, /not installed/, /apt-get install bubblewrap/],
      [{ userNamespacesRefused: 'Do this.' }, /switched off/, /^Do this\.$/],
      [{ platform: 'darwin' }, /needs Linux/, /VM/],
      [{ arch: 'riscv64' }, /riscv64/, /arm64/],
    ] as const) {
      const reason = boundary.unavailable({ ...host, ...change })
      assert.match(reason?.what ?? '', what)
      assert.match(reason?.get ?? '', get)
    }
    assert.equal(boundary.unavailable(host), null)
  })

  test('a kernel that is too old is so for every boundary, whoever starts its sandboxes', () => {
    for (const name of BOUNDARY_NAMES) {
      const reason = boundaryNamed(name)?.unavailable({ ...HOSTS['root with cgroup v1'], kernel: [5, 11] })
      assert.deepEqual(
        reason,
        { what: 'Linux 5.11 is too old.', get: 'Linux 5.12 or newer is needed.' },
        name,
      )
    }
  })
})

describe('the second wall for files', () => {
  const claim = (host: HostName) => statusOf(host).get('files.second-wall') ?? assert.fail()

  test('is Landlock of at least the ABI that the kernel’s version has, where the kernel lists it', () => {
    assert.match(claim('root with cgroup v1').by.join(), /Landlock \(ABI 2 or newer\)/)
    assert.match(claim('root on arm64, before merged /usr').by.join(), /ABI 5/)
  })

  test('is said to be absent where it is not, or can’t be seen; no run is refused for it', () => {
    for (const [host, why] of [
      ['an ordinary user of an old kernel', /runs without Landlock/],
      ['an ordinary user without cgroups', /securityfs is not mounted/],
    ] as const) {
      const { status, by, refusal, absence } = claim(host)
      assert.deepEqual([status, by, refusal], ['notApplicable', [], null])
      assert.match(absence ?? '', why)
    }
    const old = { ...HOSTS['root with cgroup v1'], kernel: [5, 15] } as const
    const plan = planFor(parse({ version: 1 }), boundary, old)
    assert.match(
      plan.claims.find(({ id }) => id === 'files.second-wall')?.absence ?? '',
      /before Linux 5\.19/,
    )
    assert.doesNotThrow(() => requireEnforceable(plan, boundary, old))
  })
})

describe('the host’s security module', () => {
  const claim = (host: HostName) => statusOf(host).get('isolation.security-module') ?? assert.fail()

  test('confines the job where it has the profile for it, and is said to be absent elsewhere', () => {
    assert.match(claim('root on arm64, before merged /usr').by.join(), /AppArmor profile glovebox-job/)
    const { status, absence } = claim('root with cgroup v1')
    assert.equal(status, 'notApplicable')
    assert.match(absence ?? '', /etc\/apparmor\.d\/glovebox-job .*apparmor_parser -r/)
    assert.match(claim('an ordinary user of an old kernel').absence ?? '', /without AppArmor or SELinux/)
  })

  test('SELinux: its domain, or the words that install it; what only logs is never said to be a wall', () => {
    const context = 'system_u:system_r:glovebox_job_t:s0'
    const selinux = (securityModule: SecurityModule) => {
      const host = { ...HOSTS['root with cgroup v1'], securityModule }
      const { claims } = planFor(parse({ version: 1 }), boundary, host)
      const { status, by, absence } =
        claims.find(({ id }) => id === 'isolation.security-module') ?? assert.fail()
      return { status, text: by.join() || absence || '', label: jobLabel(host) }
    }
    const loaded = selinux({ name: 'SELinux', job: 'loaded', label: context })
    assert.equal(loaded.status, 'enforced')
    assert.match(loaded.text, /SELinux domain glovebox_job_t/)
    assert.deepEqual(loaded.label, { module: 2, text: context })
    for (const [found, why, label] of [
      [{ name: 'SELinux', job: 'notLoaded' }, /semodule -i etc\/selinux\/glovebox_job\.cil/, null],
      [{ name: 'SELinux', job: 'confined' }, /may not enter glovebox_job_t/, null],
      [{ name: 'SELinux', job: 'permissive', label: context }, /only logs .*setenforce 1/, context],
      [
        { name: 'AppArmor', job: 'permissive', label: 'glovebox-job' },
        /only logs .*aa-enforce/,
        'glovebox-job',
      ],
    ] as const) {
      const answer = selinux(found)
      assert.equal(answer.status, 'notApplicable')
      assert.match(answer.text, why)
      assert.equal(answer.label?.text ?? null, label)
    }
  })
})

describe('a waived control is never said to be enforced', () => {
  for (const host of names)
    test(host, () => {
      const waive = ['isolation.known-escapes', 'limits.cpus', 'limits.memory', 'limits.processes']
      const plan = planFor(parse({ version: 1, waive }), boundary, HOSTS[host])
      for (const claim of plan.claims.filter(({ id }) => waive.includes(id))) {
        assert.equal(claim.status, 'waived', claim.id)
        assert.deepEqual(claim.by, [])
      }
      assert.deepEqual(plan.waivers, waive)
      assert.deepEqual([plan.limits.memoryBytes, plan.limits.cpus, plan.limits.processes], [null, null, null])
      assert.doesNotThrow(() => requireEnforceable(plan, boundary, HOSTS[host]))
    })

  test('nor one that asks for nothing, or can’t be had', () => {
    const requirement: Requirement = {
      id: 'limits.memory',
      sentence: 'It holds.',
      family: 'staying',
      applies: true,
    }
    const means = { says: 'x', mechanisms: ['x'] } as const
    assert.equal(claimOf(requirement, enforcedBy(means), true).status, 'waived')
    assert.equal(claimOf(requirement, impossible('no', 'never'), false).status, 'impossible')
    assert.equal(claimOf(requirement, impossible('no', 'never'), true).status, 'waived')
    const idle = { ...requirement, applies: false }
    for (const answer of [enforcedBy(means), impossible('no', 'never')])
      assert.deepEqual(claimOf(idle, answer, false).status, 'notApplicable')
  })
})
