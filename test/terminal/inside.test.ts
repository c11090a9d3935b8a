/**
 * What a job at a terminal has: one of its own, which is all it can reach of any. Real programs, driven by keys; a regression
 * shows as a program that does not draw, or as one that types where it should not.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readlinkSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { asRootAndOrdinary, family, marker, noSleeper, sleeper, textOf } from '../run/tools.js'
import { SUITE_IS_ROOT } from '../support/users.js'
import { NO_DRIVER, Seat, seated, TTY } from './tools.js'

type Body = Parameters<typeof asRootAndOrdinary>[1]

/** Skipped loudly where there is no such program. */
function atTerminal(name: string, body: Body, program = '/usr/bin/python3'): void {
  const missing = NO_DRIVER ?? (existsSync(program) ? null : `${program} is not installed`)
  asRootAndOrdinary(name, (user, t) => (missing === null ? body(user, t) : t.skip(missing)))
}

atTerminal('it is /dev/pts/0, of the window’s size, and controls the job', async (user) => {
  const seat = seated(user, TTY('sh', '-c', 'tty; stty size; ps -o tty= -p $$; echo up >/dev/tty; [ -t 2 ]'))
  assert.equal(await seat.ended(), 0)
  assert.equal(seat.shown, '/dev/pts/0\r\n25 90\r\npts/0\r\nup\r\n')
  assert.equal(seat.modesAfter, seat.modesBefore)
  await seat.leave()
})

atTerminal('a window that changes reaches the job', async (user) => {
  const seat = seated(user, TTY('sh', '-c', 'trap "stty size" WINCH; echo up; while :; do sleep 0.05; done'))
  await seat.sees('up')
  seat.resize(101, 31)
  await seat.sees('31 101')
  seat.resize(40, 12)
  await seat.sees('12 40')
  seat.type('\x03')
  assert.equal(await seat.ended(), 130)
  await seat.leave()
})

atTerminal('TERM is the caller’s when it is a plain name, and else xterm', async (user) => {
  for (const [given, inside] of [
    ['screen-256color', 'screen-256color'],
    ['../../../etc/passwd', 'xterm'],
    ['a b', 'xterm'],
    ['x'.repeat(33), 'xterm'],
  ] as const) {
    const seat = seated(user, TTY('sh', '-c', 'echo "[$TERM]"'), { ...process.env, TERM: given })
    assert.equal(await seat.ended(), 0)
    assert.equal(seat.shown, `[${inside}]\r\n`)
    await seat.leave()
  }
  const env = seated(user, ['run', '--tty', '--env', 'TERM=vt100', '--', 'sh', '-c', 'echo "[$TERM]"'])
  assert.equal(await env.ended(), 0)
  assert.equal(env.shown, '[vt100]\r\n')
  await env.leave()
})

atTerminal('Ctrl-C, Ctrl-\\ and Ctrl-Z are keys: signals for the job’s processes alone', async (user) => {
  for (const [key, status] of [
    ['\x03', 130],
    ['\x1c', 131],
  ] as const) {
    const mark = marker()
    const seat = seated(user, TTY('sleep', mark))
    await sleeper(mark)
    seat.type(key)
    assert.equal(await seat.ended(), status)
    assert.equal(seat.modesAfter, seat.modesBefore)
    await noSleeper(mark)
    await seat.leave()
  }
})

atTerminal('a shell in it has job control: stop, list, continue, interrupt', async (user) => {
  const seat = seated(user, TTY('bash', '--norc', '--noprofile', '-i'), { ...process.env, TERM: 'dumb' })
  await seat.sees('$ ')
  // it says that it is up: before, the key would be the shell's, which ignores it. And it is one process: a shell that is
  // stopped between its vfork and the child's exec can't be told from one that runs
  seat.type(`sh -c "echo u''p; exec sleep 1000"\r`)
  await seat.sees('\r\nup\r\n')
  seat.type('\x1a')
  await seat.sees('Stopped')
  const from = seat.shown.length
  seat.type('jobs; bg; jobs; fg\r')
  await seat.sees(/Running[^\n]*sleep 1000[^$]*sleep 1000"\r\n$/, from)
  // the shell shows the job before it hands it the terminal: a key in between is the shell's
  for (let tries = 0; tries < 100 && !/\^C\r\n[^\n]*\$ $/.test(seat.shown.slice(from)); tries++) {
    seat.type('\x03')
    await sleep(200)
  }
  await seat.sees(/\^C\r\n[^\n]*\$ $/, from)
  seat.type('exit 5\r')
  assert.equal(await seat.ended(), 5)
  assert.equal(seat.modesAfter, seat.modesBefore)
  await seat.leave()
})

atTerminal(
  'less draws, scrolls and quits',
  async (user) => {
    const seat = seated(user, TTY('sh', '-c', 'seq 1 500 > n; exec less n'))
    await seat.sees('24\r\n')
    assert.doesNotMatch(seat.shown, /\b26\b/)
    seat.type('G')
    await seat.sees('500')
    seat.type('q')
    assert.equal(await seat.ended(), 0)
    assert.equal(seat.modesAfter, seat.modesBefore)
    await seat.leave()
  },
  '/usr/bin/less',
)

atTerminal(
  'vim edits a file, which is collected',
  async (user) => {
    const vim = ['vim.basic', '-u', 'NONE', '-i', 'NONE', '-N', 'note']
    const editing = seated(user, TTY('sh', '-c', `${vim.join(' ')}; echo "[$(cat note)]"`))
    await editing.sees('~')
    editing.type('ione two\x1b')
    await editing.sees('one two')
    editing.type(':wq\r')
    assert.equal(await editing.ended(), 0)
    assert.match(editing.shown, /\[one two\]/)
    assert.equal(editing.modesAfter, editing.modesBefore)
    await editing.leave()
  },
  '/usr/bin/vim.basic',
)

atTerminal('every byte passes as it is, in both directions', async (user) => {
  const py =
    'import os,tty; tty.setraw(0); os.write(1,b"up"); os.write(1,bytes(os.read(0,1)[0] ^ 255 for _ in range(256)))'
  const seat = seated(user, TTY('python3', '-c', py), { ...process.env, TERM: 'dumb' })
  await seat.sees('up')
  const all = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('')
  seat.type(all)
  assert.equal(await seat.ended(), 0)
  const turned = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code ^ 255)).join('')
  assert.equal(seat.shown, `up${turned}`)
  await seat.leave()
})

const STEAL = `
import fcntl, os, glob
def tried(what, *args):
    try: what(*args); return 'ok'
    except OSError as error: return os.strerror(error.errno)
print('sti', tried(fcntl.ioctl, 0, 0x5412, b'x'))
print('sti-tty', tried(fcntl.ioctl, os.open('/dev/tty', os.O_RDWR), 0x5412, b'x'))
print('linux', tried(fcntl.ioctl, 0, 0x541c, bytes([3] + [0] * 15)))
print('pts', sorted(os.listdir('/dev/pts')))
print('device', os.stat('/dev/pts/0').st_dev)
print('open', [os.readlink(f'/proc/self/fd/{fd}') for fd in (0, 1, 2)])
print('agent', tried(os.listdir, '/proc/1/fd'))
print('consoles', [path for path in ('/dev/console', '/dev/tty0', '/dev/tty1', '/dev/vcs') if os.path.exists(path)])
`

/** The attack: what is typed into the terminal of whoever started it is a command (CVE-2017-5226, CVE-2023-1523). */
atTerminal('it types into no terminal, and finds no other', async (user) => {
  const seat = seated(user, TTY('python3', '-c', STEAL))
  assert.equal(await seat.ended(), 0, seat.shown)
  assert.match(seat.shown, /sti Operation not permitted\r\n/)
  assert.match(seat.shown, /sti-tty Operation not permitted\r\n/)
  assert.match(seat.shown, /linux Operation not permitted\r\n/)
  assert.match(seat.shown, /pts \['0', 'ptmx'\]\r\n/)
  assert.match(seat.shown, /open \['\/dev\/pts\/0', '\/dev\/pts\/0', '\/dev\/pts\/0'\]\r\n/)
  assert.match(seat.shown, /agent Permission denied\r\n/)
  assert.match(seat.shown, /consoles \[\]\r\n/)
  assert.equal(await seat.left(), '')
  await seat.leave()

  const control = new Seat(['python3', '-c', STEAL], [90, 25])
  await control.ended()
  if (SUITE_IS_ROOT) assert.match(control.shown, /sti ok\r\n/)
  assert.doesNotMatch(control.shown, /linux Operation not permitted/)
  const device = (shown: string) => /device (\d+)/.exec(shown)?.[1]
  assert.notEqual(device(seat.shown), device(control.shown), 'the host’s own devpts')
  if (SUITE_IS_ROOT) assert.match(await control.left(), /x/)
  await control.leave()
})

/** The attack: a descriptor of the caller's terminal comes along, by any process of the sandbox. */
atTerminal('nothing that makes or is a sandbox holds the caller’s terminal', async (user, t) => {
  if (!SUITE_IS_ROOT) return t.skip('only root sees what the first process of a sandbox holds')
  const mark = marker()
  const seat = seated(user, TTY('sleep', mark))
  await sleeper(mark)
  const [own = 0, ...others] = family(seat.pid)
  const keepers = others.filter((pid) => textOf(pid, 'cmdline').includes('\0--terminal\0'))
  const devpts = statSync('/dev/pts').dev
  const holds = (pid: number) => terminalsOf(pid).some((device) => device === devpts)
  assert.ok(holds(own) && keepers.length === 1 && keepers.every(holds), 'it can not be seen at all')
  const rest = others.filter((pid) => !keepers.includes(pid))
  assert.deepEqual(rest.filter(holds), [])
  assert.ok(
    rest.some((pid) => terminalsOf(pid).length > 0),
    'the sandbox’s own is not seen',
  )
  seat.type('\x03')
  assert.equal(await seat.ended(), 130)
  await seat.leave()
})

/** The file systems of the terminals that a process holds. */
function terminalsOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/fd`)
    .filter((fd) => /^\/dev\/(pts\/|tty|ptmx)/.test(readlinkSync(`/proc/${pid}/fd/${fd}`)))
    .map((fd) => statSync(`/proc/${pid}/fd/${fd}`).dev)
}
