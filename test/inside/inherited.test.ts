import assert from 'node:assert/strict'
import { constants } from 'node:os'
import { inside, outside, promises } from '../support/attack.js'
import { sharedFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { asEachUser, glovebox } from '../support/users.js'

/**
 * The attack: whoever starts Glovebox has secrets in its environment, open descriptors, ignored signals, a niceness, a
 * umask. A regression shows as one of them inside.
 */
const RLIMIT = { CPU: 0, FSIZE: 1, STACK: 3, CORE: 4, NOFILE: 7, AS: 9 }
const caller = sharedFolder()
const before = [
  `cd ${caller}`,
  `echo secret > ${caller}/file`,
  'exec 7< file 8>> file 9<> file',
  'umask 0',
  "trap '' PIPE HUP USR1 CHLD ALRM",
  'renice -n 5 $$ > /dev/null',
  'ulimit -S -t 900; ulimit -S -v 100000000; ulimit -S -c unlimited',
].join('\n')

promises({ before, env: { ...process.env, CANARY: 'of-the-caller', LD_CANARY: '1' } }, () => [
  {
    name: 'no variable of the environment is inherited',
    inside: ['read,/proc/self/environ'],
    outside: ['read,/proc/self/environ'],
    holds: (look) =>
      assert.deepEqual(
        look('read,/proc/self/environ')
          .detail.split(' ')
          .map((each) => each.split('=')[0])
          .sort(),
        ['HOME', 'PATH', 'PWD'],
      ),
    control: (look) => assert.match(look('read,/proc/self/environ').detail, /CANARY=of-the-caller/),
  },
  {
    name: 'no descriptor but the standard ones is inherited, even one without close-on-exec',
    inside: ['fds', 'fd-kinds', 'list,/proc/self/fd'],
    outside: ['fds'],
    holds(look) {
      assert.equal(look('fds').detail, '0 1 2')
      assert.equal(look('fd-kinds').detail, 'pipe pipe pipe')
    },
    control: (look) => assert.match(look('fds').detail, /\b7 8 9\b/),
  },
  {
    name: 'the working directory is the job’s own',
    inside: ['cwd', 'link,/proc/self/cwd'],
    outside: ['cwd'],
    holds: (look) => assert.equal(look('cwd').detail, '/job'),
    control: (look) => assert.equal(look('cwd').detail, caller),
  },
  {
    name: 'the umask is 022, whatever the caller’s',
    inside: ['umask'],
    outside: ['umask'],
    holds: (look) => assert.equal(look('umask').detail, `${0o022}`),
    control: (look) => assert.equal(look('umask').detail, '0'),
  },
  {
    name: 'no signal is ignored or blocked',
    inside: ['signals'],
    outside: ['signals'],
    holds: (look) => assert.equal(look('signals').detail, ''),
    control: (look) =>
      assert.match(look('signals').detail, new RegExp(`ignored:${constants.signals.SIGPIPE}\\b`)),
  },
  {
    name: 'the niceness is 0',
    inside: ['nice'],
    outside: ['nice'],
    skipFor: (user) => (user.isRoot ? null : 'an ordinary user may not raise a priority again'),
    holds: (look) => assert.equal(look('nice').detail, '0'),
    control: (look) => assert.equal(look('nice').detail, '5'),
  },
  {
    name: 'limits are the policy’s, not the caller’s',
    inside: Object.values(RLIMIT).map((number) => `rlimit,${number}`),
    outside: Object.values(RLIMIT).map((number) => `rlimit,${number}`),
    holds(look) {
      const limit = (number: number) => look(`rlimit,${number}`).detail
      assert.equal(limit(RLIMIT.CPU), 'unlimited')
      assert.equal(limit(RLIMIT.AS), 'unlimited')
      assert.equal(limit(RLIMIT.CORE), '1')
      assert.equal(limit(RLIMIT.NOFILE), '256')
      assert.equal(limit(RLIMIT.FSIZE), `${64 * 1024 ** 2}`)
      assert.equal(limit(RLIMIT.STACK), `${8 * 1024 ** 2}`)
    },
    control(look) {
      assert.equal(look(`rlimit,${RLIMIT.CPU}`).detail, '900')
      assert.notEqual(look(`rlimit,${RLIMIT.AS}`).detail, 'unlimited')
    },
  },
  {
    name: 'a crash leaves no core file',
    inside: ['core', `rlimit,${RLIMIT.CORE}`],
    outside: [`rlimit,${RLIMIT.CORE}`],
    holds(look) {
      assert.equal(look('core').detail, 'not dumped')
      assert.equal(look(`rlimit,${RLIMIT.CORE}`).detail, '1') // at 0 a piped core_pattern would start its program
    },
    control: (look) => assert.notEqual(look(`rlimit,${RLIMIT.CORE}`).detail, '1'),
  },
])

asEachUser('the name by which the job was started says nothing of the host', async (user) => {
  const look = await inside(user, ['host-name', 'read,/etc/hostname', 'read,/proc/sys/kernel/hostname'])
  for (const each of ['host-name', 'read,/etc/hostname', 'read,/proc/sys/kernel/hostname'])
    assert.equal(look(each).detail, 'glovebox')
  assert.notEqual((await outside(['host-name']))('host-name').detail, 'glovebox')
})

asEachUser(
  'a host that ignores the kernel’s choice for memory: the job can’t leave the front row',
  async (user) => {
    const look = await inside(user, ['read,/proc/self/oom_score_adj', 'oom-score,-1000'])
    assert.equal(look('read,/proc/self/oom_score_adj').detail, '800')
    assert.notEqual(look('oom-score,-1000').result, 'ok')
  },
)

asEachUser('disks serve the job last, however urgent its caller is', async (user) => {
  const before = 'ionice -c 2 -n 0 -p $$'
  const { stdout, stderr } = await glovebox(user, ['run', '--', 'ionice'], { before })
  assert.equal(stdout.trim(), 'best-effort: prio 7', stderr)
  const control = await finished(['/bin/sh', '-c', `${before}; ionice`])
  assert.equal(control.stdout.trim(), 'best-effort: prio 0', control.stderr)
})
