/**
 * Holes that other runtimes had, tried here. A regression shows as the trick's own success. Those of terminals
 * (CVE-2017-5226, CVE-2019-10063) are in stdio.test.ts and doors.test.ts.
 */
import assert from 'node:assert/strict'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { attackProgram, inside, outside } from '../support/attack.js'
import { ROOT, sharedFolder, testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { busyboxTree, NO_BUSYBOX } from '../support/trees.js'
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
  for (const mask of masks) assert.match(mask, / ro,nosuid,no(?:dev|exec)/, mask)
  for (const each of ['node,character,/dev', 'create,/dev', 'write,/proc/kcore'])
    assert.ok(look(each).result !== 'ok' || look(each).detail === 'nowhere', each)
  const control = await finished(['stat', '-c', '%t:%T', '/dev/null'])
  assert.equal(control.stdout, '1:3\n')
})

/**
 * bubblewrap before 0.12: what was mounted below a link was made where the link led while the old root was still there, as
 * `/oldroot`. The attack: a root, or a folder that an earlier job wrote to, with such links where something will be mounted.
 */
asEachUser(
  'CVE-2026-87766: links in a root that lead to the host while it is made get nothing made there',
  async (user, t) => {
    const folder = testFolder(t, 0o755)
    const victim = join(folder, 'victim')
    const tree = busyboxTree(join(folder, 'tree'))
    const source = join(folder, 'source')
    for (const each of [victim, source]) mkdirSync(each)
    chmodSync(victim, 0o777)
    for (const name of ['way', 'srv', 'job', 'tmp', 'proc', 'dev', 'var'])
      symlinkSync(`/oldroot${victim}`, join(tree, name))
    for (const inside of ['/way/planted', '/srv/deep/planted']) {
      const flags = ['--root', `dir:${tree}`, '--read', `${source}:${inside}`]
      const { status, stderr } = await glovebox(user, ['run', ...flags, '--', 'ls', inside])
      assert.equal(status, 0, stderr)
      assert.deepEqual(readdirSync(victim), [], inside)
    }
    // what a job left in a folder that it may write to can't be in the way of another grant: none lies in one
    const live = join(folder, 'live')
    mkdirSync(live)
    chmodSync(live, 0o777)
    symlinkSync(`/oldroot${victim}`, join(live, 'way'))
    const policy = join(folder, 'policy.json')
    const files = {
      write: [{ path: live, inside: '/live', live: true }],
      read: [`${source}:/live/way/planted`],
    }
    writeFileSync(policy, JSON.stringify({ version: 1, files }))
    const nested = await glovebox(user, ['run', '--policy', policy, '--', 'true'])
    assert.equal(nested.status, 125)
    assert.match(nested.stderr, /lies in "?\/live|contains "?\/live/)
    assert.deepEqual(readdirSync(victim), [])

    const words = ['--unshare-all', '--bind', tree, '/', '--ro-bind', source, '/way/planted', '/bin/true']
    await finished(user.as(['bwrap', ...words]), { cwd: '/' })
    if (readdirSync(victim).length === 0)
      return t.skip('the control: this bubblewrap has been mended, and makes nothing there')
    assert.deepEqual(readdirSync(victim), ['planted'], 'the control')
    return undefined
  },
  () => NO_BUSYBOX || null,
)

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
