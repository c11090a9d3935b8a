import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { after } from 'node:test'
import { promises, refused } from '../support/attack.js'

/**
 * The attack: reach the sandbox's first process (its memory, environment, descriptors) or any process of the host. A
 * regression shows as an attempt that succeeds inside as it does outside, on a process of the suite's own user.
 */
const victim = spawn('sleep', ['600'], { stdio: 'ignore', env: { CANARY: 'seen-in-environ' } })
after(() => victim.kill('SIGKILL'))
const pid = victim.pid ?? assert.fail('no victim')

promises({}, () => [
  {
    name: 'a job sees no process but its own',
    inside: ['pids'],
    outside: ['pids'],
    holds: (look) =>
      assert.deepEqual(
        look('pids')
          .detail.split(' ')
          .filter((each) => Number(each) > 40), // what starts the first process may have had some before
        [],
      ),
    control: (look) => assert.ok(look('pids').detail.split(' ').includes(`${pid}`)),
  },
  refused('the environment of the first process', ['read,/proc/1/environ'], {
    outside: [`read,/proc/${pid}/environ`],
  }),
  {
    name: 'the arguments of the first process name nothing of the host',
    inside: ['read,/proc/1/cmdline'],
    outside: [`read,/proc/${pid}/cmdline`],
    holds: (look) => assert.match(look('read,/proc/1/cmdline').detail, /^\/proc\/self\/fd\/\d+$/),
    control: (look) => assert.equal(look(`read,/proc/${pid}/cmdline`).detail, 'sleep 600'),
  },
  refused('the memory of the first process', ['mem,1', 'read,/proc/1/maps', 'read,/proc/1/auxv'], {
    outside: [`mem,${pid}`, `read,/proc/${pid}/maps`, `read,/proc/${pid}/auxv`],
  }),
  refused(
    'the descriptors of the first process',
    ['list,/proc/1/fd', 'list,/proc/1/fdinfo', 'link,/proc/1/fd/3'],
    {
      outside: [`list,/proc/${pid}/fd`, `list,/proc/${pid}/fdinfo`, `link,/proc/${pid}/fd/0`],
    },
  ),
  refused(
    'the root, the folder and the program of the first process',
    ['list,/proc/1/root/', 'list,/proc/1/cwd/', 'link,/proc/1/exe', 'read,/proc/1/exe', 'write,/proc/1/exe'],
    {
      outside: [
        `list,/proc/${pid}/root/`,
        `list,/proc/${pid}/cwd/`,
        `link,/proc/${pid}/exe`,
        `read,/proc/${pid}/exe`,
      ],
    },
  ),
  refused('the namespaces of the first process', ['setns,/proc/1/ns/mnt', 'setns,/proc/1/ns/user'], {
    outside: ['setns,/proc/self/ns/uts'],
    rootControl: true,
  }),
  refused('tracing the first process', ['ptrace,1'], { outside: [`ptrace,${pid}`], rootControl: true }),
  refused('a descriptor taken from the first process', ['pidfd-getfd,1,3'], {
    outside: [`pidfd-getfd,${pid},0`],
    rootControl: true,
  }),
  refused('limits of the first process', ['prlimit,1'], { outside: [`prlimit,${pid}`] }),
  refused('the priority of the first process', ['renice,1'], { outside: [`renice,${pid}`] }),
  refused('how likely the first process is to be killed for memory', ['put,/proc/1/oom_score_adj,1000'], {
    outside: [`put,/proc/${pid}/oom_score_adj,1000`],
  }),
  {
    // the kernel shields a namespace's first process from its own: the call succeeds and nothing happens
    name: 'a signal to the first process changes nothing',
    inside: ['signal,1,9', 'signal,1,19', 'signal,1,15', 'umask'],
    outside: [`signal,${pid},0`],
    holds: (look) => assert.equal(look('umask').result, 'ok'),
    control: (look) => assert.equal(look(`signal,${pid},0`).result, 'ok'),
  },
  refused('signals to a process of the host', [`signal,${pid},0`], { with: ['ESRCH'] }),
])
