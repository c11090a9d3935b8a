import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inside, outside, promises, refused } from '../support/attack.js'
import { ROOT, sharedFolder, testFolder } from '../support/checkout.js'
import { asEachUser } from '../support/users.js'

/** The attack: look for the host's own files, and for any place outside scratch that can be written to. */
const HOST_PLACES = [
  '/root',
  '/home',
  '/boot',
  '/mnt',
  '/opt',
  '/srv',
  '/media',
  '/run',
  '/sys',
  '/var/lib',
  '/var/log',
  '/var/cache',
  '/etc/shadow',
  '/etc/machine-id',
  '/etc/ssh',
  '/etc/os-release',
  '/etc/fstab',
  '/etc/sudoers',
  '/etc/hosts.allow',
  ROOT,
]
const SCRATCH = ['/job', '/tmp', '/var/tmp', '/dev/shm']
const writable = (folder: string) => `writable-below,${[folder, ...SCRATCH].join(',')}`

/** Folders in which a test may see what the control sees: files that can be written to. */
const place = sharedFolder()
mkdirSync(join(place, 'folder'))
writeFileSync(join(place, 'file'), '')

const MASKED = [
  '/proc/kcore',
  '/proc/keys',
  '/proc/kallsyms',
  '/proc/cmdline',
  '/proc/partitions',
  '/proc/swaps',
  '/proc/timer_list',
  '/proc/interrupts',
  '/proc/sys/kernel/random/boot_id',
]
const maskedHere = MASKED.filter(
  (path) => path !== '/proc/kcore' && readdirSync('/proc').includes(path.split('/')[2] ?? ''),
)

promises({}, () => [
  {
    name: 'none of the host’s folders and files is there',
    inside: HOST_PLACES.map((path) => `there,${path}`),
    outside: HOST_PLACES.map((path) => `there,${path}`),
    holds(look) {
      for (const path of HOST_PLACES) assert.equal(look(`there,${path}`).result, 'ENOENT', path)
    },
    control(look) {
      const there = HOST_PLACES.filter((path) => look(`there,${path}`).result === 'ok')
      assert.ok(there.includes('/sys') && there.includes(ROOT) && there.length > 5, there.join(' '))
    },
  },
  {
    name: 'the top folders are those that the sandbox makes',
    inside: ['list,/', 'list,/etc'],
    outside: ['list,/'],
    holds: (look) => {
      const known = [
        'bin',
        'dev',
        'etc',
        'job',
        'lib',
        'lib32',
        'lib64',
        'libx32',
        'proc',
        'sbin',
        'tmp',
        'usr',
        'var',
      ]
      assert.deepEqual(
        look('list,/')
          .detail.split(' ')
          .filter((name) => !known.includes(name)),
        [],
      )
    },
    control: (look) => assert.match(look('list,/').detail, /\bsys\b/),
  },
  {
    name: 'the users are root, nobody and the job',
    inside: ['read,/etc/passwd', 'read,/etc/group'],
    outside: ['read,/etc/passwd'],
    holds: (look) =>
      assert.match(look('read,/etc/passwd').detail, /^root:\S* job:x:1000:1000::\S* nobody:\S*$/),
    control: (look) => assert.match(look('read,/etc/passwd').detail, /daemon/),
  },
  {
    name: 'no path of the host in the list of mounts, but for what is shown',
    inside: ['read,/proc/self/mountinfo', 'read,/proc/self/mounts'],
    outside: ['read,/proc/self/mountinfo'],
    holds(look) {
      for (const line of look('read,/proc/self/mountinfo').detail.split(/ (?=\d+ \d+ \d+:\d+ )/)) {
        const [, , , root = '', point = ''] = line.split(' ')
        const shown =
          root === point ||
          root === '/' ||
          root === '/newroot' ||
          /^\/\d+$/.test(root) ||
          /^\/(sys|null|zero|full|random|urandom|tty)$/.test(root)
        assert.ok(shown, line)
      }
      for (const path of [ROOT, `${tmpdir()}/`])
        assert.ok(!look('read,/proc/self/mountinfo').detail.includes(` ${path}`), path)
    },
    control: (look) => assert.match(look('read,/proc/self/mountinfo').detail, / \/sys /),
  },
  {
    name: 'every mount is nosuid, and all but scratch, devices and /proc read-only',
    inside: ['read,/proc/self/mounts'],
    outside: ['read,/proc/self/mounts'],
    holds(look) {
      const mounts = look('read,/proc/self/mounts').detail.match(/\S+ \/\S* \S+ r[ow]\S* 0 0/g) ?? []
      assert.ok(mounts.length > 10)
      for (const mount of mounts) {
        const [, point = '', kind = '', options = ''] = mount.split(' ')
        // a runtime covers a folder by an empty file system that is read-only itself
        const cover = kind === 'tmpfs' && options.startsWith('ro,') && point.startsWith('/proc/')
        assert.ok(cover || options.split(',').includes('nosuid'), mount)
        if (options.startsWith('rw'))
          assert.match(point, /^\/(job|tmp|proc|dev\/(shm|pts|null|zero|full|random|urandom|tty))$/, mount)
      }
    },
    control: (look) => assert.match(look('read,/proc/self/mounts').detail, / \/ \S+ rw,(?!\S*nosuid)/),
  },
  {
    name: 'nothing outside scratch can be written to, in all that can be seen',
    inside: [writable('/')],
    outside: [`writable-below,${place}`],
    holds(look) {
      assert.equal(look(writable('/')).result, 'ok')
      assert.equal(look(writable('/')).detail, '')
    },
    control: (look) =>
      assert.deepEqual(look(`writable-below,${place}`).detail.split(' ').sort(), [
        place,
        `${place}/file`,
        `${place}/folder`,
      ]),
  },
  refused(
    'settings of the kernel, those of its own namespaces included',
    [
      'put,/proc/sys/kernel/shmmax,4096',
      'put,/proc/sys/kernel/pid_max,400000',
      'put,/proc/sys/kernel/ns_last_pid,400',
      'put,/proc/sys/kernel/hostname,another',
      'put,/proc/sys/net/core/somaxconn,4096',
      'put,/proc/sys/user/max_user_namespaces,10',
      'put,/proc/pressure/memory,some 500000 2000000',
      'put,/proc/sysrq-trigger,h',
    ],
    { outside: ['write,/proc/sys/kernel/shmmax', 'write,/proc/sys/kernel/hostname'], rootControl: true },
  ),
  {
    name: 'what /proc tells of the host’s kernel is masked',
    inside: [
      ...maskedHere.map((path) => `read,${path}`),
      'list,/proc/pressure',
      'list,/proc/fs',
      'list,/proc/driver',
    ],
    outside: maskedHere.map((path) => `read,${path}`),
    holds(look) {
      for (const path of maskedHere) assert.equal(look(`read,${path}`).detail, '', path)
      for (const folder of ['/proc/pressure', '/proc/fs', '/proc/driver'])
        assert.equal(look(`list,${folder}`).detail, '', folder)
    },
    control: (look) => assert.ok(maskedHere.filter((path) => look(`read,${path}`).detail !== '').length > 3),
  },
  {
    name: 'no device but the harmless ones',
    inside: ['list,/dev', 'list,/dev/pts'],
    outside: ['list,/dev'],
    holds(look) {
      const known = [
        'core',
        'fd',
        'full',
        'null',
        'ptmx',
        'pts',
        'random',
        'shm',
        'stderr',
        'stdin',
        'stdout',
        'tty',
        'urandom',
        'zero',
        'console',
      ]
      assert.deepEqual(
        look('list,/dev')
          .detail.split(' ')
          .filter((name) => !known.includes(name)),
        [],
      )
      assert.doesNotMatch(look('list,/dev/pts').detail, /\d/)
    },
    control: (look) =>
      assert.match(look('list,/dev').detail, /\b(kmsg|mqueue|hugepages|mem|vda|sda|fuse|console)\b/),
  },
  refused('files in /dev', ['create,/dev', 'create,/dev/pts'], { outside: ['create,/dev/shm'] }),
  refused(
    'programs of the sandbox, by way of a running one',
    ['write,/proc/self/exe', 'write,/usr/bin/sh', 'create,/usr/bin', 'create,/etc', 'create,/'],
    {
      outside: [`create,${place}`],
    },
  ),
])

/** The attack: fill the host's memory or disk, in whichever of the folders is not counted. */
asEachUser('bytes are counted over all scratch folders together', async (user) => {
  const flags = ['--scratch', '4MiB']
  const look = await inside(user, ['fill,/job,2', 'fill,/tmp,1', 'fill,/dev/shm,9'], { flags })
  assert.equal(look('fill,/job,2').detail, '2')
  assert.equal(look('fill,/tmp,1').detail, '1')
  assert.equal(look('fill,/dev/shm,9').result, 'ENOSPC')
  assert.ok(Number(look('fill,/dev/shm,9').detail) <= 1)

  const control = await inside(user, ['fill,/dev/shm,9'], { flags: ['--scratch', '16MiB'] })
  assert.equal(control('fill,/dev/shm,9').result, 'ok')
})

asEachUser('files and folders are counted over all scratch folders together', async (user, t) => {
  const look = await inside(user, ['inodes,/tmp,900', 'inodes,/dev/shm,2000', 'inodes,/job,2000'], {
    flags: ['--scratch', '4MiB'],
  })
  assert.equal(look('inodes,/tmp,900').result, 'ok')
  for (const each of ['inodes,/dev/shm,2000', 'inodes,/job,2000']) {
    assert.equal(look(each).result, 'ENOSPC')
    assert.ok(Number(look(each).detail) < 1024, look(each).detail)
  }
  const folder = testFolder(t)
  assert.equal((await outside([`inodes,${folder},2000`]))(`inodes,${folder},2000`).result, 'ok')
})
