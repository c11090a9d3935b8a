import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type HostLook, hostFacts } from '../../src/host/index.js'

const look = (
  more: Partial<HostLook> & { readonly files?: Readonly<Record<string, string>> } = {},
): HostLook => {
  const { files = {}, ...rest } = more
  return {
    platform: 'linux',
    arch: 'x64',
    release: '6.1.0-18-amd64',
    uid: 0,
    cpus: 4,
    read: (file) => files[file] ?? null,
    kind: (path) => (['/usr/bin/bwrap', '/proc/self', '/proc/self/ns/user'].includes(path) ? 'file' : null),
    list: () => [],
    ask: () => null,
    writable: () => false,
    ...rest,
  }
}
const facts = (more: Parameters<typeof look>[0] = {}) => hostFacts(look(more), ['/etc/fonts'])

describe('facts about a machine', () => {
  test('only root with the whole range of ids gives sandboxes uids of their own', () => {
    const rights = (capabilities: string) => ({
      '/proc/self/status': `Name:\tnode\nCapEff:\t${capabilities}\n`,
    })
    const map = (text: string) => ({ '/proc/self/uid_map': `         ${text}\n` })
    const whole = { ...map('0          0 4294967295'), ...rights('000001ffffffffff') }
    const container = { ...map('0     100000      65536'), ...rights('000001ffffffffff') }
    assert.equal(facts({ files: whole }).canTakeUids, true)
    assert.equal(facts({ files: whole, uid: 1000 }).canTakeUids, false)
    assert.equal(facts({ files: container }).canTakeUids, false, 'root of a user namespace')
    assert.equal(facts({}).canTakeUids, false, 'no /proc')

    // Docker's default capabilities: not SYS_ADMIN, which showing a file as another's takes
    const docker = facts({ files: { ...whole, ...rights('00000000a80425fb') } })
    assert.deepEqual([docker.canTakeUids, docker.canIdmap, docker.rootLacks], [true, false, ''])
    assert.equal(facts({ files: whole }).canIdmap, true)
  })

  test('root by name alone: it lacks what it takes, and would be the uid of its sandboxes', () => {
    const map = { '/proc/self/uid_map': '0 0 4294967295\n' }
    const without = facts({ files: { ...map, '/proc/self/status': 'CapEff:\t0000000000000000\n' } })
    assert.deepEqual([without.canTakeUids, without.rootLacks], [false, 'CAP_SETUID, CAP_SETGID and CAP_KILL'])
    const noKill = facts({ files: { ...map, '/proc/self/status': 'CapEff:\t00000000000000c0\n' } })
    assert.equal(noKill.rootLacks, 'CAP_SETUID, CAP_SETGID and CAP_KILL')
    const range = { '/proc/self/uid_map': '0 100000 65536\n' }
    const namespaced = (capabilities: string) =>
      facts({ files: { ...range, '/proc/self/status': `CapEff:\t${capabilities}\n` } }).rootLacks
    assert.equal(namespaced('0000000000000000'), 'CAP_SETFCAP')
    assert.equal(namespaced('00000000800405fb'), '', 'Podman without root')
    assert.equal(facts({ uid: 1000, files: map }).rootLacks, '')
  })

  test('the kernel’s version, whatever follows the numbers', () => {
    for (const [release, version] of [
      ['6.1.0-18-amd64', [6, 1]],
      ['5.12-rc3', [5, 12]],
      ['6.18.1+', [6, 18]],
    ] as const)
      assert.deepEqual(facts({ release }).kernel, version)
  })

  test('why user namespaces can’t be had, with the command that changes it', () => {
    assert.equal(facts().userNamespacesRefused, '')
    const refused = (files: Readonly<Record<string, string>>) => facts({ files }).userNamespacesRefused
    assert.match(
      refused({ '/proc/sys/user/max_user_namespaces': '0\n' }),
      /sysctl user\.max_user_namespaces=/,
    )
    assert.match(refused({ '/proc/sys/kernel/unprivileged_userns_clone': '0\n' }), /sysctl kernel\.unpriv/)
    const only = (there: string) => facts({ kind: (path) => (path === there ? 'file' : null) })
    assert.match(only('/proc/self').userNamespacesRefused, /built without/)
    assert.match(only('/usr/bin/bwrap').userNamespacesRefused, /mount -t proc proc \/proc/)
  })

  test('bubblewrap comes from a fixed place, never from the caller’s PATH', () => {
    const asked: string[] = []
    const kind = (path: string) => {
      asked.push(path)
      return null
    }
    assert.equal(facts({ kind }).bubblewrap, null)
    assert.ok(asked.every((path) => path.startsWith('/')))
  })

  test('a job is confined by AppArmor where its profile is loaded, and nothing confines Glovebox itself', () => {
    const profiles = '/sys/kernel/security/apparmor/policy/profiles'
    const at = (own: string | null, loaded: readonly string[] = [], mode = 'enforce') =>
      facts({
        files: {
          '/sys/kernel/security/lsm': 'capability,apparmor\n',
          [`${profiles}/glovebox-job.12/mode`]: `${mode}\n`,
          ...(own === null ? {} : { '/proc/self/attr/apparmor/current': own }),
        },
        list: (folder) => (folder === profiles ? loaded : []),
      }).securityModule
    const job = (state: string) => ({ name: 'AppArmor', job: state })
    const loaded = { ...job('loaded'), label: 'glovebox-job' }
    assert.deepEqual(at('unconfined\n', ['lsb_release.3', 'glovebox-job.12']), loaded)
    assert.deepEqual(at('glovebox-cell (unconfined)\n', ['glovebox-job.12']), loaded)
    assert.deepEqual(at('unconfined\n', ['glovebox-jobs.12', 'x-glovebox-job.1']), job('notLoaded'))
    assert.deepEqual(at('docker-default (enforce)\n', ['glovebox-job.12']), job('confined'))
    assert.deepEqual(
      at(null, ['glovebox-job.12']),
      job('confined'),
      'what can not be told is not taken for nothing',
    )
    assert.equal(at('unconfined\n', ['glovebox-job.12'], 'complain')?.job, 'permissive', 'aa-complain')
    assert.equal(facts({ files: { '/sys/kernel/security/lsm': 'capability,yama\n' } }).securityModule, null)
  })

  describe('SELinux', () => {
    const LOGIN = 'unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023'
    const JOB = 'unconfined_u:unconfined_r:glovebox_job_t:s0'
    /** `answers`: the policy's, to SOURCE TARGET CLASS; 0x2 is the transition */
    const at = (own: string, answers: Readonly<Record<string, string>>, enforce = '1') =>
      facts({
        files: {
          '/sys/kernel/security/lsm': 'capability,selinux\n',
          '/sys/fs/selinux/enforce': enforce,
          '/sys/fs/selinux/class/process/index': '2',
          '/sys/fs/selinux/class/process/perms/transition': '2',
          '/proc/self/attr/current': `${own}\0`,
        },
        ask: (file, question) => (file === '/sys/fs/selinux/access' ? (answers[question] ?? null) : null),
      }).securityModule
    const asked = (entered: string, flags = '0') => ({
      [`${LOGIN} ${JOB} 2`]: `${entered} ffffffff 0 ffffffff 3 0`,
      [`${JOB} ${JOB} 2`]: `3f91cd ffffffff 0 ffffffff 3 ${flags}`,
    })

    test('a job gets its domain where the policy knows it, and lets Glovebox enter it', () => {
      assert.deepEqual(at(LOGIN, asked('3f91cf')), { name: 'SELinux', job: 'loaded', label: JOB })
      assert.deepEqual(at(LOGIN, {}), { name: 'SELinux', job: 'notLoaded' })
      assert.deepEqual(at(LOGIN, asked('3f91cd')), { name: 'SELinux', job: 'confined' })
      const services = 'system_u:system_r:glovebox_job_t:s0'
      const known = { [`${services} ${services} 2`]: '3f91cd ffffffff 0 ffffffff 3 0' }
      assert.deepEqual(at('staff_u:staff_r:staff_t:s0', known), { name: 'SELinux', job: 'confined' })
    })

    test('where it only logs, everywhere or in that domain, it is not taken for a wall', () => {
      assert.equal(at(LOGIN, asked('3f91cf'), '0')?.job, 'permissive')
      assert.equal(at(LOGIN, asked('3f91cf', '1'))?.job, 'permissive')
    })

    test('a policy without levels, and one with categories: the job has the low level alone', () => {
      const label = (own: string, job: string) => {
        const answer = '2 ffffffff 0 ffffffff 1 0'
        const found = at(own, { [`${own} ${job} 2`]: answer, [`${job} ${job} 2`]: answer })
        return found !== null && 'label' in found ? found.label : found?.job
      }
      for (const [own, job] of [
        ['user_u:system_r:initrc_t', 'user_u:system_r:glovebox_job_t'],
        ['system_u:system_r:initrc_t:s0:c3,c5', 'system_u:system_r:glovebox_job_t:s0'],
      ] as const)
        assert.equal(label(own, job), job)
    })

    test('what can not be told is not taken for nothing', () => {
      const files = { '/sys/kernel/security/lsm': 'selinux\n', '/proc/self/attr/current': LOGIN }
      assert.deepEqual(facts({ files }).securityModule, { name: 'SELinux', job: 'confined' }, 'no selinuxfs')
      assert.equal(at('kernel', asked('3f91cf'))?.job, 'confined', 'no context')
    })
  })
})
