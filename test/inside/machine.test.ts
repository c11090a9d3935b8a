import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { inside, outside, promises, refused } from '../support/attack.js'
import { finished } from '../support/spawned.js'
import { asEachUser } from '../support/users.js'

/** The attack: learn what machine this is, who else works on it, and what they do. */
const FILES = [
  '/sys/class/dmi/id/product_name',
  '/sys/class/net',
  '/sys/kernel/debug',
  '/sys/devices/system/cpu/vulnerabilities',
  '/sys/fs/cgroup',
  '/proc/kmsg',
  '/proc/vmallocinfo',
  '/proc/slabinfo',
  '/proc/pagetypeinfo',
  '/proc/kpagecount',
  '/dev/kmsg',
  '/dev/mem',
  '/dev/port',
  '/dev/log',
  '/etc/machine-id',
  '/var/lib/dbus/machine-id',
  '/proc/sys/kernel/random/boot_id',
]
const reads = FILES.map((path) => `read,${path}`)

/** Masked: there is such a file, and nothing in it. */
const SILENT = [
  'locks',
  'softirqs',
  'latency_stats',
  'kallsyms',
  'keys',
  'key-users',
  'timer_list',
  'sched_debug',
  'kcore',
  'modules',
].filter((name) => readdirSync('/proc').includes(name))
const EMPTY = ['bus', 'irq', 'acpi', 'fs', 'driver'].filter((name) => readdirSync('/proc').includes(name))

promises({}, () => [
  {
    name: 'nothing of the machine in /sys, in the kernel’s log or in its memory',
    inside: [...reads, 'dmesg'],
    outside: ['list,/sys/class/net', 'list,/sys/devices/system/cpu', 'read,/proc/sys/kernel/random/boot_id'],
    holds(look) {
      // an empty file is as good as none: the null device, by which a runtime masks
      for (const each of reads)
        assert.ok(look(each).result !== 'ok' || look(each).detail === '', `${each}: ${look(each).detail}`)
      assert.equal(look('dmesg').result, 'EPERM')
    },
    control: (look) => assert.match(look('read,/proc/sys/kernel/random/boot_id').detail, /^[0-9a-f-]{36}$/),
  },
  {
    name: 'what other processes hold and wait for is masked',
    inside: [...SILENT.map((name) => `read,/proc/${name}`), ...EMPTY.map((name) => `list,/proc/${name}`)],
    outside: [
      ...SILENT.filter((name) => name !== 'kcore').map((name) => `read,/proc/${name}`),
      'list,/proc/irq',
    ],
    holds(look) {
      for (const name of SILENT) assert.equal(look(`read,/proc/${name}`).detail, '', name)
      for (const name of EMPTY) assert.equal(look(`list,/proc/${name}`).detail, '', name)
    },
    control(look) {
      assert.match(look('list,/proc/irq').detail, /\d/)
      assert.ok(
        SILENT.filter((name) => name !== 'kcore' && look(`read,/proc/${name}`).detail !== '').length > 2,
      )
    },
  },
  {
    name: 'the masks can’t be taken away, replaced or written to',
    inside: SILENT.flatMap((name) => [`umount,/proc/${name}`, `write,/proc/${name}`, `mount,/proc/${name}`]),
    outside: ['write,/dev/null'],
    holds(look) {
      for (const name of SILENT)
        for (const how of ['umount', 'write', 'mount'])
          assert.ok(
            look(`${how},/proc/${name}`).result !== 'ok' || look(`${how},/proc/${name}`).detail === 'nowhere',
            `${how} ${name}`,
          )
    },
    control: (look) => assert.equal(look('write,/dev/null').result, 'ok'),
  },
  {
    name: 'the control groups have no path of the host',
    inside: ['read,/proc/self/cgroup', 'read,/proc/1/cgroup'],
    outside: ['read,/proc/self/cgroup'],
    holds: (look) => {
      for (const group of look('read,/proc/self/cgroup').detail.split(' ')) assert.match(group, /^\d+:.*:\/$/)
    },
    control: (look) => assert.match(look('read,/proc/self/cgroup').detail, /^\d+:/),
  },
  refused('the kernel’s keys', ['add-key', 'request-key', 'keyctl'], { outside: ['add-key', 'request-key'] }),
])

/** A namespace of host names is copied with all that is in it: the sandbox's own host name leaves the NIS domain as it was. */
asEachUser('the NIS domain of the host is not told', async (user) => {
  const renamed = (argv: readonly string[]) => [
    ...['unshare', '--uts', 'sh', '-c', 'echo corp.test > /proc/sys/kernel/domainname; exec "$@"', 'sh'],
    ...argv,
  ]
  const read = ['cat', '/proc/sys/kernel/domainname']
  const control = await finished(renamed(read))
  if (control.status !== 0) {
    const look = await inside(user, ['domain-name'])
    return assert.equal(look('domain-name').detail, '(none)')
  }
  assert.equal(control.stdout, 'corp.test\n')
  const { stdout, stderr } = await finished(renamed(user.as(user.cli(['run', '--', ...read]))), { cwd: '/' })
  assert.equal(stdout, '(none)\n', stderr)
  assert.equal((await outside(['domain-name']))('domain-name').result, 'ok')
})
