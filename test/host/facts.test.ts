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
    const at = (own: string | null, loaded: readonly string[] = [], lsm = 'capability,apparmor\n') =>
      facts({
        files: {
          '/sys/kernel/security/lsm': lsm,
          ...(own === null ? {} : { '/proc/self/attr/apparmor/current': own }),
        },
        list: (folder) => (folder === '/sys/kernel/security/apparmor/policy/profiles' ? loaded : []),
      }).appArmor
    assert.equal(at('unconfined\n', ['lsb_release.3', 'glovebox-job.12']), 'jobProfile')
    assert.equal(at('glovebox-cell (unconfined)\n', ['glovebox-job.12']), 'jobProfile')
    assert.equal(at('unconfined\n', ['glovebox-jobs.12', 'x-glovebox-job.1']), 'noJobProfile')
    assert.equal(at('docker-default (enforce)\n', ['glovebox-job.12']), 'confined')
    assert.equal(at(null, ['glovebox-job.12']), 'confined', 'what can not be told is not taken for nothing')
    assert.equal(at('unconfined\n', ['glovebox-job.12'], 'capability,yama\n'), null)
  })
})
