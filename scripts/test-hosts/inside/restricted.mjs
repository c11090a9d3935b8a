/**
 * User namespaces that others have closed: by Linux's own sysctl, by that of Debian's kernel, and as Ubuntu does it, by AppArmor. Ubuntu's
 * sysctl is a patch of its own kernel; what it comes to, a user namespace in which a program has no capability, a profile
 * does on any kernel with AppArmor.
 */
import { writeFileSync } from 'node:fs'
import { check, glovebox, ran, refused, SESSION, started } from './checks.mjs'
import { doctor, verifiedByBoth } from './verified.mjs'
import { STARTERS } from './walls.mjs'

const ID = ['--waive', 'limits.memory', '--', 'id', '-u']
const ROOT = { name: 'root', as: ['env'], missing: ['boundary process'] }
/** in a plain login, where nobody has handed it a cgroup */
const USER = { name: 'a user', as: SESSION.as, missing: ['boundary process', 'limits.memory'] }
const BOTH = [USER, ROOT]

export function restricted() {
  bySwitch('user.max_user_namespaces', 0, 15000)
  bySwitch('kernel.unprivileged_userns_clone', 0, 1)
  byAppArmor()
  verifiedByBoth(...STARTERS)
}

/** Root is held to it too: its sandboxes have uids of their own. */
function bySwitch(name, closed, open) {
  const set = (value) => started(['/sbin/sysctl', '-q', '-w', `${name}=${value}`])
  set(closed)
  for (const starter of BOTH) {
    const off = glovebox(starter, ...ID)
    check(
      `${name}=${closed}, ${starter.name}: refused with the sysctl`,
      refused(off, `\`sysctl ${name}=${open}\``),
      off,
    )
    const said = doctor(starter, ...starter.missing)['boundary process']
    check(`… and doctor says it`, said?.get.includes(`sysctl ${name}=${open}`), said)
  }
  set(open)
  for (const starter of BOTH) {
    const on = glovebox(starter, ...ID)
    check(`… and with that it runs, ${starter.name}`, ran(on), on)
  }
}

/** What Ubuntu's profile unprivileged_userns leaves a program that has none of its own: no capability in its namespace. */
function byAppArmor() {
  const rest = 'file, network, signal, ptrace, unix, dbus, mount, umount, pivot_root, change_profile,'
  const before = ['setuid', 'setgid', 'setpcap', 'kill', 'chown', 'dac_override', 'sys_resource']
  const ofRoot = before.map((name) => `capability ${name},`).join(' ')
  const load = (option, allowed) => {
    const profiles = `profile userns-cell /opt/glovebox/dist/native/x64/cell flags=(attach_disconnected) { ${rest} ${ofRoot} ${allowed} }
profile userns-bwrap /usr/bin/bwrap flags=(attach_disconnected) { ${rest} ${allowed} }
`
    writeFileSync('/root/userns', profiles)
    return started(['/sbin/apparmor_parser', option, '/root/userns'])
  }
  const loaded = load('-r', '')
  check('AppArmor takes profiles without capabilities', loaded.status === 0, loaded)
  for (const starter of BOTH) {
    const off = glovebox(starter, ...ID)
    check(`namespaces without capabilities, ${starter.name}: refused`, refused(off, 'docs/hosts.md'), off)
    const said = doctor(starter, ...starter.missing)['boundary process']
    check('… and doctor says it', said?.status === 'missing', said)
  }
  load('-r', 'capability,')
  for (const starter of BOTH) {
    const on = glovebox(starter, ...ID)
    check(`… and with a profile that allows them it runs, ${starter.name}`, ran(on), on)
  }
  load('-R', '')
}
