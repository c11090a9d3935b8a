import assert from 'node:assert/strict'
import { chmodSync, copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { attackProgram, inside, promises, refused } from '../support/attack.js'
import { sharedFolder, testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { asEachUser, SUITE_IS_ROOT } from '../support/users.js'

/**
 * The attack: gain a capability, a namespace to have capabilities in, or a mount. Outside, the same attempts succeed
 * for root.
 */
const CAPABILITIES = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((name) => `status,${name}`)
const NAMESPACES = ['10000000', '20000', '20000000', '40000000', '8000000', '4000000', '2000000']

/** The controls mount and make files: in a place of their own. */
const place = sharedFolder()
mkdirSync(join(place, 'mount'))

promises({}, () => [
  {
    name: 'not one capability, in any set',
    inside: CAPABILITIES,
    outside: ['status,CapEff'],
    rootControl: true,
    holds(look) {
      for (const each of CAPABILITIES) assert.match(look(each).detail, /^0+$/, each)
    },
    control: (look) => assert.doesNotMatch(look('status,CapEff').detail, /^0+$/),
  },
  {
    name: 'no new privileges, and a system call filter',
    inside: ['status,NoNewPrivs', 'status,Seccomp'],
    outside: ['status,NoNewPrivs'],
    holds(look) {
      assert.equal(look('status,NoNewPrivs').detail, '1')
      assert.equal(look('status,Seccomp').detail, '2')
    },
    control: (look) => assert.equal(look('status,NoNewPrivs').detail, '0'),
  },
  {
    name: 'an ordinary user inside, in no other group',
    inside: ['ids'],
    outside: ['ids'],
    rootControl: true,
    holds: (look) => assert.equal(look('ids').detail, '1000 1000'),
    control: (look) => assert.match(look('ids').detail, /^0 0/),
  },
  refused('becoming another user', ['setuid,0', 'setuid,1', 'setuid,65534'], { rootControl: true }),
  refused(
    'namespaces by unshare',
    NAMESPACES.map((flag) => `unshare,${flag}`),
    { rootControl: true },
  ),
  refused(
    'namespaces by clone',
    NAMESPACES.map((flag) => `clone,${flag}`),
    { rootControl: true },
  ),
  refused(
    'namespaces by clone3, whose flags no filter sees',
    NAMESPACES.map((flag) => `clone3,${flag}`),
    {
      with: ['ENOSYS'],
      rootControl: true,
    },
  ),
  refused(
    'mounts',
    ['mount,/tmp', 'mount,/job', 'remount,/usr', 'remount,/', 'remount,/proc', 'umount,/proc', 'umount,/etc'],
    {
      outside: [`mount,${place}/mount`],
      rootControl: true,
    },
  ),
  refused('another root', ['chroot,/tmp'], { outside: [`chroot,${place}`], rootControl: true }),
  refused('device nodes', ['device,/tmp/mem', 'device,/job/mem'], {
    outside: [`device,${place}/mem`],
    rootControl: true,
  }),
  refused(
    'files that run as their owner',
    ['setuid-file,/tmp/s', 'setuid-file,/job/s', 'setuid-file,/dev/shm/s'],
    {
      outside: [`setuid-file,${place}/s`],
    },
  ),
  refused('keyrings', ['keyctl'], { with: ['EPERM'] }),
])

/** A setuid-root program that was granted, executed by the job: as whom does it run? */
asEachUser(
  'a setuid program of root does nothing',
  async (user, t) => {
    const folder = testFolder(t, 0o755)
    copyFileSync(attackProgram(), join(folder, 'su'))
    chmodSync(join(folder, 'su'), 0o4755)

    const control = await finished(['setpriv', '--reuid=65534', '--clear-groups', join(folder, 'su'), 'ids'])
    assert.match(control.stdout, /ok\t0 /, 'outside it makes root of nobody')

    const look = await inside(user, ['ids'], {
      flags: ['--read', `${folder}:/granted`],
      program: '/granted/su',
    })
    assert.match(look('ids').detail, /^1000 /)
  },
  () => (SUITE_IS_ROOT ? null : 'only root can make such a program'),
)
