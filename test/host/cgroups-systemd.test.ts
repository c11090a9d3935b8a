/** Debian 12 with systemd 252, each situation as that machine's /proc and /sys/fs/cgroup showed it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type CgroupFacts, cgroupFacts } from '../../src/host/index.js'

const MOUNT =
  '31 22 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n'
const ROOT = '/sys/fs/cgroup'
const APP_SLICE = `${ROOT}/user.slice/user-1000.slice/user@1000.service/app.slice`

/** path: [cgroup.controllers, cgroup.subtree_control, its owner] */
type Groups = Readonly<Record<string, readonly [string, string, string]>>

const GROUPS: Groups = {
  '': ['cpuset cpu io memory hugetlb pids rdma misc', 'cpu memory pids', 'root'],
  '/system.slice': ['cpu memory pids', 'memory pids', 'root'],
  '/system.slice/run-u37.service': ['memory pids', '', 'root'],
  '/user.slice': ['cpu memory pids', 'cpu memory pids', 'root'],
  '/user.slice/user-0.slice': ['cpu memory pids', 'cpu memory pids', 'root'],
  '/user.slice/user-0.slice/session-6.scope': ['cpu memory pids', '', 'root'],
  '/user.slice/user-1000.slice': ['cpu memory pids', 'cpu memory pids', 'root'],
  '/user.slice/user-1000.slice/session-7.scope': ['cpu memory pids', '', 'root'],
  '/user.slice/user-1000.slice/user@1000.service': ['cpu memory pids', 'cpu memory pids', 'user'],
  '/user.slice/user-1000.slice/user@1000.service/app.slice': ['cpu memory pids', 'memory pids', 'user'],
  '/user.slice/user-1000.slice/user@1000.service/app.slice/run-r72.scope': ['memory pids', '', 'user'],
}

function factsOf(user: 'root' | 'user', own: string, changed: Groups = {}): CgroupFacts {
  const groups = { ...GROUPS, ...changed }
  return cgroupFacts({
    selfCgroup: `0::${own}\n`,
    mountinfo: MOUNT,
    writable: (folder) => user === 'root' || groups[folder.slice(ROOT.length)]?.[2] === user,
    read(file) {
      const [, path = '', name] =
        /^\/sys\/fs\/cgroup(.*)\/cgroup\.(controllers|subtree_control)$/.exec(file) ?? []
      const text = groups[path]?.[name === 'controllers' ? 0 : 1]
      return text === undefined ? null : `${text}\n`
    },
  })
}

describe('control groups on Debian 12 with systemd', () => {
  test('root, logged in: beside the session', () => {
    assert.deepEqual(factsOf('root', '/user.slice/user-0.slice/session-6.scope'), {
      version: 2,
      bases: [{ kind: 'unified', directory: `${ROOT}/user.slice/user-0.slice` }],
      controllers: ['memory', 'pids', 'cpu'],
      missing: '',
    })
  })

  test('root, in a service: beside it, and no cpu controller unless systemd gives it to that slice', () => {
    const { bases, controllers, missing } = factsOf('root', '/system.slice/run-u37.service')
    assert.deepEqual(bases, [{ kind: 'unified', directory: `${ROOT}/system.slice` }])
    assert.deepEqual(controllers, ['memory', 'pids'])
    assert.equal(missing, 'The cgroup /sys/fs/cgroup/system.slice is not given the controllers: cpu.')
  })

  test('root, in a service with Delegate=yes: systemd then gives the slice every controller', () => {
    const all = 'cpuset cpu io memory pids'
    const { bases, controllers } = factsOf('root', '/system.slice/run-u42.service', {
      '/system.slice': ['cpuset cpu io memory hugetlb pids rdma misc', all, 'root'],
      '/system.slice/run-u42.service': [all, '', 'root'],
    })
    assert.deepEqual(bases, [{ kind: 'unified', directory: `${ROOT}/system.slice` }])
    assert.deepEqual(controllers, ['memory', 'pids', 'cpu'])
  })

  test('a user, logged in by ssh: none', () => {
    const { bases, controllers, missing } = factsOf('user', '/user.slice/user-1000.slice/session-7.scope')
    assert.deepEqual([bases, controllers], [[], []])
    assert.equal(missing, 'This user may not make a cgroup (v2) with the controllers: memory, pids, cpu.')
  })

  test('a user under systemd-run --user --scope: beside the scope, with what that slice is given', () => {
    const own = '/user.slice/user-1000.slice/user@1000.service/app.slice/run-r72.scope'
    const { bases, controllers } = factsOf('user', own)
    assert.deepEqual(bases, [{ kind: 'unified', directory: APP_SLICE }])
    assert.deepEqual(controllers, ['memory', 'pids'])
    const delegated = factsOf('user', own, {
      [APP_SLICE.slice(ROOT.length)]: ['cpu memory pids', 'cpu memory pids', 'user'],
    })
    assert.deepEqual(delegated.controllers, ['memory', 'pids', 'cpu'])
  })

  test('a service with User= and no Delegate=: none', () => {
    assert.deepEqual(factsOf('user', '/system.slice/run-u37.service').bases, [])
  })

  const OWN = '/system.slice/run-u62.service'
  const directory = `${ROOT}${OWN}`

  test('a service with User= and Delegate=yes: its own group, which still holds its processes', () => {
    const { bases, controllers } = factsOf('user', OWN, {
      [OWN]: ['cpuset cpu io memory pids', '', 'user'],
    })
    assert.deepEqual(bases, [{ kind: 'unified', directory, occupied: true }])
    assert.deepEqual(controllers, ['memory', 'pids', 'cpu'])
  })

  test('… and once its processes were moved: the same, by what it hands down', () => {
    const { bases, controllers } = factsOf('user', `${OWN}/glovebox-callers`, {
      [OWN]: ['memory pids', 'memory pids', 'user'],
      [`${OWN}/glovebox-callers`]: ['memory pids', '', 'user'],
    })
    assert.deepEqual(bases, [{ kind: 'unified', directory }])
    assert.deepEqual(controllers, ['memory', 'pids'])
  })

  test('… and with Delegate= of other controllers than memory and pids: none', () => {
    assert.deepEqual(factsOf('user', OWN, { [OWN]: ['cpu', '', 'user'] }).bases, [])
  })

  test('root in a container with a hierarchy of its own: the group that it sees as the top', () => {
    const { bases } = factsOf('root', '/', { '': ['cpu memory pids', '', 'root'] })
    assert.deepEqual(bases, [{ kind: 'unified', directory: ROOT, occupied: true }])
  })
})
