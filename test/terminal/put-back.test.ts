/**
 * The terminal afterwards: as it was, whatever ended the run, and with nothing typed that nobody typed. A regression shows as a
 * shell that does not echo, or as one that executes what a job made the terminal say.
 */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { asRootAndOrdinary, family, marker, noSleeper, sleeper, textOf } from '../run/tools.js'
import { NO_DRIVER, Seat, seated, TTY } from './tools.js'

type Body = Parameters<typeof asRootAndOrdinary>[1]

function atTerminal(name: string, body: Body): void {
  asRootAndOrdinary(name, (user, t) => (NO_DRIVER === null ? body(user, t) : t.skip(NO_DRIVER)))
}

/** Mouse, other screen, hidden cursor, no wrap, margins, colours. */
const MESS = `printf '\\033[?1049h\\033[?1003h\\033[?25l\\033[?7l\\033[5;9r\\033[7;31m\\033[?2004h'`
const TIDY = ['\x1b[?1049l', '\x1b[?1003l', '\x1b[?25h', '\x1b[?7h', '\x1b[r', '\x1b[0m', '\x1b[?2004l']

function assertTidy(shown: string): void {
  const mess = shown.lastIndexOf('\x1b[?2004h')
  for (const sequence of TIDY) assert.ok(shown.indexOf(sequence, mess) > mess, JSON.stringify(sequence))
}

for (const [name, script, more, status] of [
  ['an end', 'exit 3', [], 3],
  ['its own SIGKILL', 'kill -9 $$', [], 137],
  ['the deadline', 'sleep 60', ['--deadline', '1500ms'], 124],
  ['silence', 'sleep 60', ['--no-output', '1s'], 124],
  ['too much output', 'yes', ['--max-output', '64KiB'], 125],
] as const)
  atTerminal(`after ${name}`, async (user) => {
    const seat = seated(user, ['run', '--tty', ...more, '--', 'sh', '-c', `${MESS}; ${script}`])
    await seat.sees('\x1b[?2004h')
    assert.equal(await seat.ended(), status)
    assert.equal(seat.modesAfter, seat.modesBefore)
    assertTidy(seat.shown)
    await seat.leave()
  })

atTerminal(
  'while the job runs it is raw, and what Glovebox says comes when it no longer is',
  async (user) => {
    const seat = seated(user, ['run', '--tty', '--deadline', '1500ms', '--', 'sh', '-c', 'echo up; sleep 60'])
    await seat.sees('up')
    assert.notEqual(await seat.modes(), seat.modesBefore)
    assert.equal(await seat.ended(), 124)
    assert.match(
      seat.shown,
      /glovebox: The job was ended at its deadline of 1500ms \(lifetime\.deadline\)\.\r\n$/,
    )
    await seat.leave()
  },
)

atTerminal('a job that only prints text makes nothing to be put back', async (user) => {
  const seat = seated(user, TTY('echo', 'plain'))
  assert.equal(await seat.ended(), 0)
  assert.equal(seat.shown, 'plain\r\n')
  await seat.leave()
})

atTerminal('after a job whose limits refuse it, and one that is not there', async (user) => {
  for (const [args, status] of [
    [['run', '--tty', '--', '/nowhere'], 127],
    [['run', '--tty', '--memory', '1GB', '--', 'true'], 125],
    [['run', '--tty', '--input', '/nowhere', '--', 'true'], 125],
  ] as const) {
    const seat = seated(user, args)
    assert.equal(await seat.ended(), status)
    assert.equal(seat.modesAfter, seat.modesBefore)
    assert.match(seat.shown, /^glovebox: [^\n]*\r\n/)
    await seat.leave()
  }
})

atTerminal('SIGTERM from elsewhere reaches the job once, and ends a deaf one when repeated', async (user) => {
  const mark = marker()
  const job = `trap 'echo heard' TERM; ${MESS}; while :; do sleep ${mark}; done`
  const seat = seated(user, TTY('bash', '--norc', '-c', job))
  await sleeper(mark)
  seat.signal('SIGTERM')
  await seat.sees('heard')
  seat.signal('SIGTERM')
  assert.equal(await seat.ended(), 143)
  assert.equal(seat.modesAfter, seat.modesBefore)
  assertTidy(seat.shown)
  await noSleeper(mark)
  await seat.leave()
})

atTerminal('even after SIGKILL of Glovebox itself', async (user) => {
  const mark = marker()
  const seat = new Seat(
    ['/bin/sh', '-c', '"$@"; echo over; exec sleep 1000', 'sh', ...user.as(user.cli(TTY('sleep', mark)))],
    [90, 25],
  )
  await sleeper(mark)
  for (let tries = 0; (await seat.modes()) === seat.modesBefore; tries++) {
    assert.ok(tries < 500, 'it was not taken')
    await sleep(10)
  }
  const node = family(seat.pid).find((pid) => /node$/.test(textOf(pid, 'comm').trim()))
  assert.ok(node !== undefined)
  process.kill(node, 'SIGKILL')
  await seat.sees('over')
  for (let tries = 0; (await seat.modes()) !== seat.modesBefore; tries++) {
    assert.ok(tries < 500, 'it stayed raw')
    await sleep(10)
  }
  await noSleeper(mark)
  await seat.leave()
})

atTerminal('Ctrl-C before the job runs is for Glovebox', async (user) => {
  const seat = seated(user, TTY('sh', '-c', 'echo up; sleep 60'))
  const ended = seat.ended()
  for (let over = false; !over; ) {
    seat.type('\x03') // at every moment of the start, and then to the job
    over = await Promise.race([ended.then(() => true), sleep(20, false)])
  }
  assert.equal(await ended, 130)
  assert.equal(seat.modesAfter, seat.modesBefore)
  await seat.leave()
})

atTerminal('a stop from elsewhere gives the shell its terminal, and fg takes it again', async (user) => {
  const env = { ...process.env, TERM: 'dumb' }
  const seat = new Seat(['bash', '--norc', '--noprofile', '-i'], [90, 25], env)
  await seat.sees(PROMPT)
  const mark = marker()
  const words = user.as(
    user.cli(TTY('sh', '-c', `sleep ${mark} & echo up; read line; echo "[$line]"; kill $!`)),
  )
  seat.type(`${words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')}\r`)
  await seat.sees(/^up\r/m)
  const node = family(seat.pid).find((pid) => /node$/.test(textOf(pid, 'comm').trim())) ?? assert.fail()
  const raw = await seat.modes()
  let from = seat.shown.length
  process.kill(node, 'SIGTSTP')
  await seat.sees(PROMPT, from)
  assert.notEqual(await seat.modes(), raw)
  from = seat.shown.length
  seat.type('echo $((6 * 7))\r')
  await seat.sees('42', from)
  seat.type('fg\r')
  for (let tries = 0; (await seat.modes()) !== raw; tries++) {
    assert.ok(tries < 500, 'it was not taken again')
    await sleep(10)
  }
  from = seat.shown.length
  seat.type('word\r')
  await seat.sees('[word]', from)
  await seat.sees(PROMPT, from)
  seat.type('exit 4\r')
  assert.equal(await seat.ended(), 4)
  await noSleeper(mark)
  await seat.leave()
})

const PROMPT = /[$#] $/

/** The attack: the terminal is asked who it is, and the shell reads the answer as a command. */
for (const [name, modern] of [
  ['a terminal of today', true],
  ['one that knows little', false],
] as const)
  atTerminal(`what ${name} answers when the job is gone reaches no one`, async (user) => {
    const ask = ['printf', '\\033[c\\033[6n\\005\\033[5n\\033[c']
    for (const seconds of [0, 0.05, 0.2]) {
      const seat = seated(user, TTY(...ask))
      seat.answer(seconds, modern)
      assert.equal(await seat.ended(), 0)
      await sleep(1000 * seconds + 100) // whatever comes late
      assert.equal(await seat.left(), '')
      await seat.leave()
    }

    const control = new Seat(['sh', '-c', 'read _; exec "$@"', 'sh', ...ask], [90, 25])
    control.answer(0.05, modern)
    control.type('\r')
    await control.ended()
    await sleep(200)
    assert.match(await control.left(), /answerback/)
    await control.leave()
  })

atTerminal('what a job asked while it ran is answered to it', async (user) => {
  const script = `stty raw -echo; printf '\\033[6n'; head -c 6 | od -An -c; stty sane`
  const seat = seated(user, TTY('sh', '-c', script))
  seat.answer(0.05, true)
  assert.equal(await seat.ended(), 0)
  assert.match(seat.shown, /033 {3}\[ {3}7 {3}; {3}9 {3}R/)
  await seat.leave()
})

atTerminal('processes that stay on the terminal hold nothing up, and are gone', async (user) => {
  const mark = marker()
  const seat = seated(user, TTY('sh', '-c', `trap '' HUP; setsid sleep ${mark} & sleep ${mark} & echo bye`))
  assert.equal(await seat.ended(), 0)
  assert.equal(seat.shown, 'bye\r\n')
  await noSleeper(mark)
  await seat.leave()
})

atTerminal('a job that closes its terminal and opens it again still has it', async (user) => {
  const script = 'exec 0<&- 1>&- 2>&-; sleep 0.3; exec 0</dev/tty 1>/dev/tty; read line; echo "[$line]"'
  const seat = seated(user, TTY('sh', '-c', `echo up; ${script}`))
  await seat.sees('up')
  await sleep(600)
  seat.type('word\r')
  assert.equal(await seat.ended(), 0)
  assert.match(seat.shown, /\[word\]/)
  await seat.leave()
})

atTerminal('without a terminal to type into it is refused, with the way out', async (user) => {
  const seat = new Seat(['/bin/sh', '-c', 'echo x | "$@"', 'sh', ...user.as(user.cli(TTY('cat')))], [90, 25])
  assert.equal(await seat.ended(), 125)
  assert.match(seat.shown, /^glovebox: --tty needs a terminal on standard input[^\n]* Leave --tty out/)
  await seat.leave()
})

atTerminal('its output may go elsewhere, and is the job’s alone there', async (user) => {
  const script = '"$@" | od -c | head -3'
  const argv = user.as(user.cli(TTY('sh', '-c', `printf '\\033[1mx'; stty size`)))
  const seat = new Seat(['/bin/sh', '-c', script, 'sh', ...argv], [90, 25])
  assert.equal(await seat.ended(), 0)
  assert.match(seat.shown, /033 {3}\[ {3}1 {3}m {3}x {3}2 {3}5 {7}9 {3}0 {2}\\r {2}\\n\r\n0000014/)
  assert.equal(seat.modesAfter, seat.modesBefore)
  await seat.leave()
})
