/**
 * Holes that other runtimes had, tried here. A regression shows as the trick's own success. Those of terminals
 * (CVE-2017-5226, CVE-2019-10063) are in stdio.test.ts and doors.test.ts.
 */
import assert from 'node:assert/strict'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attackProgram, inside, outside } from '../support/attack.js'
import { ROOT, sharedFolder, testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { asEachUser, glovebox } from '../support/users.js'

const place = sharedFolder()

/** runc before 1.1.12: a work directory of `/proc/self/fd/N` was the host's, by a descriptor that had leaked. */
asEachUser('CVE-2024-21626: a work directory by a descriptor is refused, by any spelling', async (user) => {
  const before = `exec 7< ${place} 8< /`
  for (const workdir of [
    '/proc/self/fd/7',
    '/proc/self/fd/8/',
    '/job/../proc/self/fd/7',
    '/dev/fd/7',
    '/proc/1/cwd',
  ]) {
    const { status, stdout } = await glovebox(user, ['run', '--workdir', workdir, '--', 'pwd'], { before })
    assert.equal(status, 125, `${workdir}: ${stdout}`)
  }
  // and not by a link that the job's root, or a grant, has: the place is looked up inside
  const granted = join(place, `links-${user.name.replaceAll(' ', '-')}`)
  mkdirSync(granted)
  symlinkSync('/proc/self/fd/7', join(granted, 'way'))
  const flags = ['--read', `${granted}:/granted`, '--workdir', '/granted/way']
  const linked = await glovebox(user, ['run', ...flags, '--', 'pwd'], { before })
  assert.notEqual(linked.status, 0, linked.stdout)
  assert.equal((await outside(['chdir,/proc/self/fd/7'], { before }))('chdir,/proc/self/fd/7').result, 'ok')
})

/** runc before 1.0-rc6: a program in the container whose interpreter is `/proc/self/exe` is the runtime, and can be written to. */
asEachUser(
  'CVE-2019-5736: the program that starts the job can’t be run again or overwritten',
  async (user, t) => {
    const folder = testFolder(t, 0o755)
    const script = join(folder, 'script')
    writeFileSync(script, '#!/proc/self/exe\n')
    chmodSync(script, 0o755)
    const programs = () =>
      ['agent', 'cell'].map((name) => readFileSync(join(ROOT, 'dist/native', process.arch, name)))
    const before = programs()

    const run = await glovebox(user, [
      'run',
      '--deadline',
      '5s',
      '--read',
      `${folder}:/granted`,
      '--',
      '/granted/script',
    ])
    assert.notEqual(run.status, 0, 'pid 1’s program, started as the job, does nothing')
    assert.notEqual(run.status, 124, 'and ends')

    const look = await inside(
      user,
      [
        'overwrite,/proc/self/exe',
        'overwrite,/proc/1/exe',
        'overwrite,/usr/bin/env',
        'overwrite,/proc/self/fd/7',
      ],
      { flags: ['--read', `${folder}:/granted`], program: '/job/attack' },
    )
    for (const each of ['overwrite,/proc/1/exe', 'overwrite,/usr/bin/env', 'overwrite,/proc/self/fd/7'])
      assert.notEqual(look(each).result, 'ok', each)
    assert.deepEqual(programs(), before)

    const victim = join(folder, 'victim')
    copyFileSync(attackProgram(), victim)
    assert.equal((await outside([`overwrite,${victim}`]))(`overwrite,${victim}`).result, 'ok')
  },
)

/** runc before 1.2.8: `/dev/null`, with which files are masked, was looked up in the container's own root. */
asEachUser('CVE-2025-31133: what covers a masked file is the host’s own /dev/null', async (user) => {
  const look = await inside(user, [
    'read,/proc/self/mountinfo',
    'node,character,/dev',
    'create,/dev',
    'write,/proc/kcore',
  ])
  const masks = look('read,/proc/self/mountinfo').detail.match(/\S+ \/null \/proc\/\S+ \S+/g) ?? []
  assert.ok(masks.length > 5, look('read,/proc/self/mountinfo').detail)
  for (const mask of masks) assert.match(mask, / ro,nosuid,nodev/, mask)
  for (const each of ['node,character,/dev', 'create,/dev', 'write,/proc/kcore'])
    assert.notEqual(look(each).result, 'ok', each)
  const control = await finished(['stat', '-c', '%t:%T', '/dev/null'])
  assert.equal(control.stdout, '1:3\n')
})

/** Docker's `cp` before 19.03.1 (CVE-2019-14271) and 18.06 (CVE-2018-15664): outputs copied through a link that was just planted. */
asEachUser(
  'CVE-2018-15664: a folder of outputs that is swapped for a link all the time gives nothing of the host',
  async (user, t) => {
    const folder = testFolder(t, 0o777)
    const swap = `import os, sys, threading, time
os.mkdir("out"); open("out/passwd", "w").write("mine"); os.symlink("/etc", "link")
pid = os.fork()
if pid == 0:
  while True:
    os.rename("out", "kept"); os.rename("link", "out"); os.rename("out", "link"); os.rename("kept", "out")
time.sleep(0.05)`
    for (let round = 0; round < 6; round++) {
      const out = join(folder, `passwd-${round}`)
      const { status, stderr } = await glovebox(user, [
        'run',
        '--output',
        `out/passwd:${out}`,
        '--',
        '/usr/bin/python3',
        '-c',
        swap,
      ])
      if (status === 0) assert.equal(readFileSync(out, 'utf8'), 'mine')
      else assert.match(stderr, /symbolic link|without making/)
    }
  },
)
