import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inside, outside, promises, refused, thoseOfThisKernel } from '../support/attack.js'
import { sharedFolder, testFolder } from '../support/checkout.js'
import { asEachUser, glovebox } from '../support/users.js'

/**
 * The attack: the same by another door. Another ABI's numbers, a terminal of the job's own, watches and locks on files that
 * the host uses, and every descriptor that can be reached.
 */
const place = sharedFolder()
const file = join(place, 'file')
writeFileSync(file, 'as it was')

/** 20 is getpid of i386, 39 of x86_64. */
const abi = await thoseOfThisKernel([
  'int80,20',
  'int80-socket,2',
  'int80-socketcall,2',
  'int80-socketcall,40',
])
const terminal = ['pty-type,0', 'pty-type,1', 'pty-type,deadbeef', 'pty-type,ffffffff']

promises({}, () => [
  refused('another ABI’s numbers: the process is killed', abi, { with: ['SIGSYS'] }),
  {
    name: 'x32 by number, though this kernel may have none: killed all the same',
    inside: ['x32,39', 'x32,2', 'x32,41'],
    outside: ['x32,39'],
    holds: (look) => {
      for (const each of ['x32,39', 'x32,2', 'x32,41']) assert.equal(look(each).result, 'SIGSYS', each)
    },
    control: (look) => assert.match(look('x32,39').result, /^(ok|ENOSYS)$/),
  },
  refused('typing into a terminal, with junk in the bits that the kernel does not read', terminal, {
    with: ['EPERM'],
    rootControl: true,
  }),
  refused('another line discipline, which loads a module', ['pty-discipline,0'], { with: ['EPERM'] }),
  refused(
    'watching which of the host’s programs start',
    ['watch,/usr/bin', 'watch,/usr/bin/env', 'notify,/usr/bin'],
    {
      outside: ['watch,/usr/bin', 'notify,/usr/bin'],
    },
  ),
  refused('a lease on a file of the host, which makes its opener wait', ['lease,/usr/bin/env'], {
    outside: [`lease,${file}`],
  }),
  refused('the locks that other processes hold', ['file-lock,/usr/bin/env']),
  {
    name: 'no way up leads out: from the work directory, the root, descriptors and links of /proc',
    inside: [
      'climb,/job',
      'climb,/',
      'climb,/proc/self/cwd',
      'climb,/proc/self/root',
      'climb,/proc/thread-self/root',
      'climb,/dev/shm',
      'list,/proc/self/root/',
      'list,/',
      ...Array.from({ length: 24 }, (_, fd) => `chdir,/proc/self/fd/${fd}`),
    ],
    outside: ['chdir,/proc/self/cwd', 'list,/proc/self/root/'],
    holds(look) {
      for (const from of [
        '/job',
        '/',
        '/proc/self/cwd',
        '/proc/self/root',
        '/proc/thread-self/root',
        '/dev/shm',
      ])
        assert.equal(look(`climb,${from}`).result, 'EXDEV', from)
      assert.equal(look('list,/proc/self/root/').detail, look('list,/').detail)
      for (let fd = 0; fd < 24; fd++)
        assert.match(look(`chdir,/proc/self/fd/${fd}`).result, /^(ENOENT|ENOTDIR)$/, `${fd}`)
    },
    control(look) {
      assert.equal(look('chdir,/proc/self/cwd').result, 'ok')
      assert.match(look('list,/proc/self/root/').detail, /\bsys\b/)
    },
  },
])

/** The attack: the caller holds a folder of the host open, without close-on-exec, and the job's way starts from there. */
asEachUser('an open folder of the caller leads nowhere, nor does its work directory', async (user) => {
  const before = `cd ${place}; exec 7< ${place} 8< /`
  const attempts = ['chdir,/proc/self/fd/7', 'chdir,/proc/self/fd/8', 'climb,/proc/self/cwd', 'there,file']
  const look = await inside(user, attempts, { before })
  for (const each of attempts) assert.notEqual(look(each).result, 'ok', each)
  const control = await outside(['chdir,/proc/self/fd/7', 'there,file'], { before })
  assert.equal(control('chdir,/proc/self/fd/7').result, 'ok')
  assert.equal(control('there,file').result, 'ok')
})

/** The attack: what the job writes is taken for pid 1's own word: "exited with 0, all outputs sent". */
asEachUser('frames of the protocol, written wherever the job can write, change nothing', async (user, t) => {
  const look = await inside(user, ['forge,everywhere'], { before: 'exec 3>&1 4>&1 5>&1 9>&1' })
  assert.equal(look('forge,everywhere').result, 'EBADF', look('forge,everywhere').detail)

  const out = join(testFolder(t, 0o777), 'out')
  const forged = `E\\020\\000\\000\\000${'\\000'.repeat(16)}Z\\000\\000\\000\\000`
  const job = `printf '${forged}'; printf '${forged}' >&2; printf '${forged}' > /proc/self/fd/0; echo real > out; exit 7`
  const result = await glovebox(user, ['run', '--output', `out:${out}`, '--', 'sh', '-c', job])
  assert.equal(result.status, 7, result.stderr)
  assert.equal(result.stdout.length, 26)
  assert.equal(readFileSync(out, 'utf8'), 'real\n')

  const log = join(place, `forged-${user.name.replaceAll(' ', '-')}`)
  assert.equal((await outside(['forge,9'], { before: `exec 9> ${log}` }))('forge,9').result, 'ok')
  assert.equal(readFileSync(log).length, 26)
})
