import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attackProgram, inside, outside } from '../support/attack.js'
import { testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { asEachUser } from '../support/users.js'

const put = (fd: number) => `put,/proc/self/fd/${fd},overwritten`

/** The attack: a host file as standard input is opened anew, for writing, by its descriptor. */
asEachUser('a host file behind standard input can’t be opened for writing', async (user, t) => {
  const folder = testFolder(t, 0o755)
  const file = join(folder, 'file')
  const before = `exec 0<> ${file} 2<> ${file}.err`

  writeFileSync(file, 'as it was', { mode: 0o666 })
  const look = await inside(user, [put(0), 'fd-kinds', 'write,/dev/stdin'], { before })
  assert.equal(look('fd-kinds').detail, 'pipe pipe pipe')
  assert.equal(readFileSync(file, 'utf8'), 'as it was')

  await outside([put(0)], { before })
  assert.equal(readFileSync(file, 'utf8'), 'overwritten'.slice(0, 11))
})

/** The attack: the terminal of whoever started it is fed with commands (CVE-2017-5226). */
asEachUser(
  'there is no controlling terminal, though Glovebox was started from one',
  async (user) => {
    const look = (argv: readonly string[]) =>
      finished(['script', '-qec', argv.map((word) => `'${word}'`).join(' '), '/dev/null'], { cwd: '/' })
    const control = await look([attackProgram(), 'tty'])
    assert.match(control.stdout, /tty\tok/)

    const unpack =
      'cat attack.in > attack; chmod 700 attack; exec ./attack tty tiocsti,/dev/tty tiocsti,/dev/stdin session'
    const args = ['run', '--input', `${attackProgram()}:attack.in`, '--', 'sh', '-c', unpack]
    const { stdout } = await look(user.as(user.cli(args)))
    assert.match(stdout, /tty\tENXIO/)
    assert.match(stdout, /tiocsti,\/dev\/tty\tENXIO/)
    assert.match(stdout, /tiocsti,\/dev\/stdin\tEPERM/)
    assert.match(stdout, /session\tok\town/)
  },
  () => (existsSync('/usr/bin/script') ? null : 'script (bsdutils) is not installed'),
)
