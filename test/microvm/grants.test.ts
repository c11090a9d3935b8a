/** Read grants of jobs in virtual machines, through the command line, as whoever starts them. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { sharedFolder } from '../support/checkout.js'
import { machineArchive, noMachine } from '../support/machine-image.js'
import { finished } from '../support/spawned.js'
import { glovebox, SUITE_IS_ROOT, type TestUser, USERS } from '../support/users.js'

const skip = noMachine() ?? false
const folder = sharedFolder()
const IMAGE = `glovebox-grants-test-${process.pid}`
const PROGRAMS = ['sh', 'cat', 'chmod', 'echo', 'id', 'ls', 'readlink', 'rm', 'stat', 'touch', 'mkdir']
const OUTSIDE = join(folder, 'outside')
/** In what is granted, and nowhere else. */
const MARK = `granted-${process.pid}-${Math.random()}`
const users = USERS.slice(0, 2)

/** Images and saved machines of an ordinary user are in a home of the test's. */
const homeOf = (user: TestUser) => (user.isRoot || !SUITE_IS_ROOT ? null : join(folder, 'home'))

function granted(): string {
  const at = join(folder, 'granted')
  mkdirSync(join(at, 'below/deeper'), { recursive: true })
  writeFileSync(join(at, 'below/deeper/file'), MARK)
  writeFileSync(join(at, 'program'), '#!/bin/sh\necho program ran\n')
  symlinkSync('below/deeper/file', join(at, 'link'))
  writeFileSync(OUTSIDE, 'of the host')
  symlinkSync(OUTSIDE, join(at, 'out'))
  execFileSync('mkfifo', [join(at, 'fifo')])
  for (const each of ['.', 'below', 'below/deeper', 'program']) chmodSync(join(at, each), 0o755)
  chmodSync(join(at, 'below/deeper/file'), 0o644)
  return at
}

describe('what is granted to a job in a virtual machine', { skip }, () => {
  const at = skip === false ? granted() : ''
  const archive = skip === false ? machineArchive(folder, PROGRAMS) : ''
  after(() => rmSync(folder, { recursive: true, force: true }))

  for (const user of users)
    describe(`started by ${user.name}`, { skip: user.skip ?? false }, () => {
      const home = homeOf(user)
      const env = home === null ? process.env : { ...process.env, HOME: home, XDG_DATA_HOME: '' }
      const image = async (...args: string[]) => {
        const cli = user
          .cli(['image', ...args])
          .filter((each) => !['--waive', 'limits.memory'].includes(each))
        const { status, stderr } = await finished(user.as(cli), { cwd: '/', env })
        assert.equal(status, 0, stderr)
      }
      const run = (args: readonly string[], script: string) =>
        glovebox(
          user,
          [
            ...['run', '--boundary', 'microvm', '--root', `image:${IMAGE}`, ...args],
            ...['--', 'sh', '-c', script],
          ],
          { env },
        )
      const GRANTS = ['--read', `${at}:/in`, '--read', `${at}/below/deeper/file:/tmp/one/file`]
      before(async () => {
        if (home !== null) {
          mkdirSync(home, { recursive: true })
          execFileSync('chown', ['65534:65534', home])
        }
        await image('import', archive, IMAGE)
      })
      after(() => image('rm', IMAGE))

      test('is there as it is on the host: files, programs, links as links; and no fifo', async () => {
        const { status, stdout, stderr } = await run(
          GRANTS,
          'cat /in/below/deeper/file /in/link /tmp/one/file; echo; /in/program; ls /in; readlink /in/out; cat /in/out',
        )
        assert.equal(
          stdout,
          `${MARK.repeat(3)}\nprogram ran\nbelow\nlink\nout\nprogram\n${OUTSIDE}\n`,
          stderr,
        )
        // there is no such file: the link is followed in the machine
        assert.equal(status, 1)
        assert.match(stderr, /can't open '\/in\/out'/)
      })

      test('can’t be written to, changed or removed', async () => {
        const { stdout, stderr } = await run(
          GRANTS,
          `exec 2>&1
          for each in "touch /in/new" "mkdir /in/new" "rm /in/link" "chmod 777 /in/program" "touch /tmp/one/file" "rm -r /in/below" "rm /tmp/one/file"
          do $each && echo done: $each; done
          echo x > /in/program && echo done: write
          touch /tmp/own && echo the control`,
        )
        assert.doesNotMatch(stdout, /^done/m, stderr)
        assert.equal(stdout.match(/Read-only file system/g)?.length, 7, stdout)
        assert.match(stdout, /^the control$/m)
      })

      test('of more than fits is refused, and says what to do', async () => {
        const large = join(folder, 'large')
        writeFileSync(large, '', { mode: 0o644 })
        truncateSync(large, 200 * 1024 ** 2)
        const { status, stdout, stderr } = await run(['--read', `${large}:/in`], 'echo ran')
        assert.equal(status, 125)
        assert.equal(stdout, '')
        assert.match(
          stderr,
          /take 201 MiB in 1 files .* is 128 MiB in 10000\..*into the image.*boundary: gvisor/,
        )
      })

      const own = home === null ? 'root’s machines are not this test’s alone' : false
      test('is in no saved machine', { skip: own }, () => {
        const machines = join(home ?? '', '.local/share/glovebox/machines')
        const saved = readdirSync(machines, { recursive: true, encoding: 'utf8' })
          .map((name) => join(machines, name))
          .filter((path) => /\/(memory|state)$/.test(path))
        assert.ok(saved.length >= 2, saved.join())
        for (const path of saved) assert.ok(!readFileSync(path).includes(MARK), path)
        assert.ok(existsSync(at))
      })
    })
})
