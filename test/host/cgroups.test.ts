import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type CgroupFacts, cgroupFacts } from '../../src/host/index.js'

/** What one machine shows of itself: texts of /proc, and which folders this user may write to. */
interface Machine {
  readonly selfCgroup: readonly string[]
  readonly mountinfo: readonly string[]
  readonly writable?: readonly string[]
  readonly files?: Readonly<Record<string, string>>
}

function factsOf({ selfCgroup, mountinfo, writable = [], files = {} }: Machine): CgroupFacts {
  return cgroupFacts({
    selfCgroup: `${selfCgroup.join('\n')}\n`,
    mountinfo: `${mountinfo.join('\n')}\n`,
    writable: (folder) => writable.includes(folder),
    read: (file) => files[file] ?? null,
  })
}

const V1_MOUNTS = [
  '25 30 0:23 / /sys/fs/cgroup rw,nosuid - tmpfs tmpfs rw,mode=755',
  '29 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct',
  '31 25 0:28 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory',
  '36 25 0:33 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids',
  '37 25 0:34 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd',
]
const V2_MOUNT =
  '30 23 0:27 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate'
const SERVICE = '/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service'

describe('where sandboxes’ control groups can be made', () => {
  test('v1: below this process’s own group of each hierarchy, wherever that is', () => {
    const machine = {
      selfCgroup: ['9:cpu,cpuacct:/ci', '5:pids:/ci/job', '4:memory:/', '1:name=systemd:/ci'],
      mountinfo: V1_MOUNTS,
      writable: ['/sys/fs/cgroup/memory', '/sys/fs/cgroup/pids/ci/job', '/sys/fs/cgroup/cpu,cpuacct/ci'],
    }
    assert.deepEqual(factsOf(machine), {
      version: 1,
      bases: [
        { kind: 'memory', directory: '/sys/fs/cgroup/memory' },
        { kind: 'pids', directory: '/sys/fs/cgroup/pids/ci/job' },
        { kind: 'cpu', directory: '/sys/fs/cgroup/cpu,cpuacct/ci' },
      ],
      controllers: ['memory', 'pids', 'cpu'],
      missing: '',
    })
  })

  test('v1, an ordinary user: none, and which are missing', () => {
    const { bases, missing } = factsOf({ selfCgroup: ['4:memory:/u', '5:pids:/u'], mountinfo: V1_MOUNTS })
    assert.deepEqual(bases, [])
    assert.match(missing, /v1.*memory, pids, cpu/)
  })

  test('hybrid: the controllers of v1 count, the empty unified hierarchy does not', () => {
    const machine = {
      selfCgroup: ['4:memory:/', '5:pids:/', '0::/user.slice'],
      mountinfo: [...V1_MOUNTS, '38 25 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw'],
      writable: ['/sys/fs/cgroup/memory', '/sys/fs/cgroup/unified', '/sys/fs/cgroup/unified/user.slice'],
      files: { '/sys/fs/cgroup/unified/cgroup.subtree_control': 'memory pids' },
    }
    const { version, controllers } = factsOf(machine)
    assert.deepEqual([version, controllers], [1, ['memory']])
  })

  test('v2, a scope of a user’s systemd: beside it, in the service that hands its controllers down', () => {
    const machine = {
      selfCgroup: ['0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope'],
      mountinfo: [V2_MOUNT],
      writable: [SERVICE, `${SERVICE}/app.slice`, `${SERVICE}/app.slice/run-1.scope`],
      files: {
        [`${SERVICE}/app.slice/cgroup.subtree_control`]: 'memory pids\n',
        [`${SERVICE}/cgroup.subtree_control`]: 'cpu memory pids\n',
      },
    }
    const { bases, controllers } = factsOf(machine)
    assert.deepEqual(bases, [{ kind: 'unified', directory: `${SERVICE}/app.slice` }])
    assert.deepEqual(controllers, ['memory', 'pids'])
  })

  test('v2: never this process’s own group, which may not both hold processes and hand controllers down', () => {
    const own = `${SERVICE}/app.slice/run-1.scope`
    const machine = {
      selfCgroup: ['0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope'],
      mountinfo: [V2_MOUNT],
      writable: [own],
      files: { [`${own}/cgroup.subtree_control`]: 'cpu memory pids' },
    }
    assert.deepEqual(factsOf(machine).bases, [])
  })

  test('v2, an ssh session, in a scope of root’s: none', () => {
    const machine = {
      selfCgroup: ['0::/user.slice/user-1000.slice/session-3.scope'],
      mountinfo: [V2_MOUNT],
      writable: [SERVICE],
      files: {
        '/sys/fs/cgroup/user.slice/user-1000.slice/cgroup.subtree_control': 'memory pids',
        '/sys/fs/cgroup/cgroup.subtree_control': 'cpu memory pids',
        [`${SERVICE}/cgroup.subtree_control`]: 'memory pids',
      },
    }
    const { version, bases, missing } = factsOf(machine)
    assert.deepEqual([version, bases], [2, []])
    assert.match(missing, /v2.*memory, pids, cpu/)
  })

  test('v2, root in the root group', () => {
    const machine = {
      selfCgroup: ['0::/'],
      mountinfo: [V2_MOUNT],
      writable: ['/sys/fs/cgroup'],
      files: { '/sys/fs/cgroup/cgroup.subtree_control': 'cpuset cpu io memory pids' },
    }
    const { bases, controllers } = factsOf(machine)
    assert.deepEqual(bases, [{ kind: 'unified', directory: '/sys/fs/cgroup' }])
    assert.deepEqual(controllers, ['memory', 'pids', 'cpu'])
  })

  test('a container that sees its own part of the host’s hierarchy', () => {
    const mounts = V1_MOUNTS.map((line) =>
      line.replace(' / /sys/fs/cgroup/memory', ' /docker/abc /sys/fs/cgroup/memory'),
    )
    const machine = {
      selfCgroup: ['4:memory:/docker/abc'],
      mountinfo: mounts,
      writable: ['/sys/fs/cgroup/memory'],
    }
    assert.deepEqual(factsOf(machine).bases, [{ kind: 'memory', directory: '/sys/fs/cgroup/memory' }])
    const other = { ...machine, selfCgroup: ['4:memory:/docker/another'] }
    assert.deepEqual(factsOf(other).bases, [], 'another container’s part is not ours')
  })

  test('a group above the root of the cgroup namespace can’t be reached by dots', () => {
    const machine = {
      selfCgroup: ['4:memory:/../other', '0::/..'],
      mountinfo: V1_MOUNTS,
      writable: ['/sys/fs/cgroup/memory/../other', '/sys/fs/cgroup/memory/..'],
    }
    assert.deepEqual(factsOf(machine).bases, [])
  })

  test('mount points with spaces are read as the kernel writes them', () => {
    const machine = {
      selfCgroup: ['4:memory:/a'],
      mountinfo: ['31 25 0:28 / /mnt/control\\040groups rw - cgroup cgroup rw,memory'],
      writable: ['/mnt/control groups/a'],
    }
    assert.deepEqual(factsOf(machine).bases, [{ kind: 'memory', directory: '/mnt/control groups/a' }])
  })

  test('none mounted, or nothing that can be read', () => {
    assert.deepEqual(factsOf({ selfCgroup: [], mountinfo: [] }), {
      version: null,
      bases: [],
      controllers: [],
      missing: 'No cgroup file system is mounted.',
    })
    assert.equal(
      factsOf({ selfCgroup: ['rubbish', '::'], mountinfo: ['', ' - ', '1 2 3', 'cgroup - cgroup'] }).version,
      null,
    )
  })
})
