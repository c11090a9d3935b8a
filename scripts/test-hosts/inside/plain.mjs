/** An ordinary user without a systemd manager, as after `su`: nobody has handed it a cgroup. */
import { check, glovebox, ran, SESSION, started } from './checks.mjs'
import { doctor, verified } from './verified.mjs'

const USER = { name: 'a user', as: SESSION.as }
const WAIVED = ['--waive', 'limits.memory']

export function plainUser() {
  started(['loginctl', 'disable-linger', 'user'])
  started(['systemctl', 'stop', 'user@1000.service'])
  const first = glovebox(USER, '--', 'id', '-u')
  const words =
    /once root has said `(loginctl .*?)`, by `export (XDG_RUNTIME_DIR=.*?)` and `(systemd-run .*?) -- glovebox run …`/
  const [, linger, variable, scope] = words.exec(first.stderr) ?? []
  check('memory is refused, with three lines that get it', first.status === 125 && scope !== undefined, first)
  doctor(USER, 'limits.memory')
  const waived = glovebox(USER, ...WAIVED, '--', 'id', '-u')
  check('waived, it runs', ran(waived), waived)
  const held = glovebox(USER, ...WAIVED, '--memory', '64MiB', '--', 'python3', '-c', 'bytearray(200 << 20)')
  check('… each process held to that size', held.status === 1 && held.stderr.includes('MemoryError'), held)
  verified({ ...USER, flags: WAIVED })

  started((linger ?? 'false').split(' '))
  started(['systemctl', 'start', 'user@1000.service'])
  const advised = {
    as: [...SESSION.as, 'env', variable ?? '', ...(scope ?? 'false').split(' '), '--quiet', '--'],
  }
  const second = glovebox(advised, '--', 'id', '-u')
  check('with those lines it runs', ran(second), second)
}
