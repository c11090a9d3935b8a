/** Refusals on a machine with systemd, and AppArmor: each names a change, which is then made. */
import { writeFileSync } from 'node:fs'
import { check, glovebox, PROGRAM, ran, refused, SERVICE, SESSION, started } from './checks.mjs'

const ID = ['--waive', 'limits.memory', '--', 'id', '-u']

export function refusals() {
  userWithManager()
  units()
  appArmor()
  const { stdout } = started([...SESSION.as, PROGRAM, 'doctor'])
  check(
    'doctor says where it is',
    /^note {5}host: On a machine of its own: Linux 6\.1 .*cgroup v2/m.test(stdout),
    stdout,
  )
}

function userWithManager() {
  const plain = glovebox(SESSION, '--', 'id', '-u')
  const line = /`(systemd-run --user --scope .*) -- glovebox run …`/.exec(plain.stderr)?.[1]
  check(
    'a user, logged in: refused with the line that gets cgroups',
    plain.status === 125 && line !== undefined,
    plain,
  )
  const advised = { as: [...SESSION.as, ...(line ?? 'false').split(' '), '--quiet', '--collect', '--'] }
  check(
    '… and with that line it runs, with memory and half a processor',
    ran(glovebox(advised, '--cpus', '0.5', '--', 'id', '-u')),
    line,
  )
}

function units() {
  const unit = (...properties) => ({
    as: [...SERVICE, '--uid=app', ...properties.flatMap((property) => ['-p', property]), '--'],
  })
  const restricted = glovebox(unit('RestrictNamespaces=yes'), ...ID)
  check(
    'a unit with RestrictNamespaces=: named, with what to write',
    refused(restricted, 'systemctl edit run-', 'RestrictNamespaces=no'),
    restricted,
  )
  const filter = /`(SystemCallFilter=[^`]*)`/.exec(restricted.stderr)?.[1] ?? ''
  const own = ['SystemCallFilter=@system-service', 'SystemCallErrorNumber=EPERM']
  const advised = glovebox(unit('RestrictNamespaces=no', ...own, filter), ...ID)
  check('… and with that it runs', ran(advised), advised)
  const without = glovebox(unit('RestrictNamespaces=no', ...own), ...ID)
  check('… and without what it adds to a filter it does not', refused(without, 'SystemCallFilter='), without)
  const tunables = glovebox(unit('ProtectKernelTunables=yes'), ...ID)
  check(
    'a unit with ProtectKernelTunables=: the covered /proc is named',
    refused(tunables, '/proc/', 'ProtectKernelTunables='),
    tunables,
  )
}

/** As Docker's own profile does: no mounts. */
function appArmor() {
  const common = 'file, capability, network, signal, ptrace, unix, dbus, change_profile,'
  const profiles = `profile no-mounts flags=(attach_disconnected) { ${common} }
profile mounts flags=(attach_disconnected) { ${common} mount, umount, pivot_root, }
`
  writeFileSync('/root/profiles', profiles)
  const loaded = started(['/sbin/apparmor_parser', '-r', '/root/profiles'])
  check('AppArmor takes profiles', loaded.status === 0, loaded)
  const under = (profile) => glovebox({ as: ['aa-exec', '-p', profile, '--'] }, ...ID)
  const confined = under('no-mounts')
  check(
    'an AppArmor profile without mounts is named',
    refused(confined, 'The AppArmor profile no-mounts', '`mount,`'),
    confined,
  )
  const allowed = under('mounts')
  check('… and with what is asked for it runs', ran(allowed), allowed)
}
