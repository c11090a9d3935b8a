/** Which engines can be used at all, and who the job is in each. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Info, Version } from '../../../src/boundary/docker/answers.js'
import { identityOf } from '../../../src/boundary/docker/identity.js'
import { EngineError } from '../../../src/boundary/docker/problems.js'
import { traitsOf } from '../../../src/boundary/docker/traits.js'
import { OWN_UID_BASE } from '../../../src/host/index.js'

const VERSION: Version = { Version: '28.2.2', Components: [{ Name: 'Engine' }] }
const INFO: Info = {
  SecurityOptions: ['name=apparmor', 'name=seccomp,profile=builtin', 'name=cgroupns'],
  Runtimes: { runc: { path: 'runc' } },
  CgroupVersion: '2',
  MemoryLimit: true,
  PidsLimit: true,
  CpuCfsQuota: true,
  OperatingSystem: 'Debian GNU/Linux 12 (bookworm)',
  OSType: 'linux',
}
const traits = (info: object, version: object = {}) =>
  traitsOf([1, 50], { ...VERSION, ...version }, { ...INFO, ...info })
const PLAN = { identity: { uid: 1000, gid: 1000, hostName: 'glovebox' } }

describe('an engine', () => {
  test('of this machine can be used, and says what it holds a job to', () => {
    assert.deepEqual(traits({}), {
      api: [1, 50],
      cgroups: 2,
      remapped: false,
      runtimes: ['runc'],
      unlimited: [],
      liveRestore: false,
    })
    assert.deepEqual(traits({ MemoryLimit: false, PidsLimit: null }).unlimited, ['memory', 'processes'])
  })

  for (const [name, info, version, words] of [
    ['without seccomp', { SecurityOptions: ['name=apparmor'] }, {}, /has no seccomp/],
    ['in a virtual machine', { OperatingSystem: 'Docker Desktop' }, {}, /Docker Desktop's virtual machine/],
    ['of another system', { OSType: 'windows' }, {}, /runs windows containers/],
    ['that only talks like one', {}, { Components: [{ Name: 'Podman Engine' }] }, /is Podman Engine/],
  ] as const)
    test(`${name} is refused, in a sentence`, () => {
      assert.throws(
        () => traits(info, version),
        (error) => error instanceof EngineError && words.test(error.message) && error.advice !== '',
      )
    })
})

describe('the job', () => {
  test('is 1000 where the engine has a user namespace for it', () => {
    for (const option of ['name=userns', 'name=rootless']) {
      const { remapped } = traits({ SecurityOptions: [...(INFO.SecurityOptions ?? []), option] })
      assert.deepEqual(identityOf(PLAN, remapped, 0.3), { uid: 1000, gid: 1000 })
    }
  })

  test('is elsewhere nobody of the host: above the ids of all other sandboxes, below those that systemd keeps', () => {
    for (const drawn of [0, 0.5, 1 - Number.EPSILON]) {
      const { uid, gid } = identityOf(PLAN, traits({}).remapped, drawn)
      assert.equal(uid, gid)
      assert.ok(uid >= OWN_UID_BASE + 2 ** 22 && uid <= 0x7ffd_ffff, `${uid}`)
    }
  })
})
