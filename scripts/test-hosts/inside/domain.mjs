/** SELinux as a third wall. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { check, PROGRAM, started } from './checks.mjs'
import { proof } from './proof.mjs'
import { verifiedByBoth } from './verified.mjs'
import { ORDINARY } from './walls.mjs'

const MODULE = '/opt/glovebox/etc/selinux/glovebox_job.cil'
const LABEL = ['cat', '/proc/self/attr/current']
/** By the shell itself: the kernel lets only that process write there which opened it. */
const ESCAPE = ['sh', '-c', 'read own < /proc/self/attr/current; echo "$own" > /proc/self/attr/exec']
const PICTURE = ['/usr/bin/convert', '-size', '80x60', 'gradient:', '-resize', '50%', 'info:-']
const WARM = 'let n = 0; for (let i = 0; i < 1e5; i++) n += i; console.log(n)'
const SECRET = ['--read', '/srv/secret:/in', '--', 'cat', '/in/plain', '/in/secret']

const USER = ['runuser', '-u', 'user', '--']
const LOGGED_IN = ['runcon', 'unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023']
/** As services are started, and as a login leaves programs. */
const STARTERS = [
  { name: 'root', as: [], domain: 'initrc_t' },
  { name: 'a user', as: USER, domain: 'initrc_t', flags: ['--waive', 'limits.memory'] },
  { name: 'root, logged in', as: LOGGED_IN, domain: 'unconfined_t' },
  {
    name: 'a user, logged in',
    as: [...USER, ...LOGGED_IN],
    domain: 'unconfined_t',
    flags: ['--waive', 'limits.memory'],
  },
]

export function domain() {
  mkdirSync('/srv/secret', { recursive: true })
  for (const name of ['plain', 'secret']) writeFileSync(`/srv/secret/${name}`, `${name}\n`)
  started(['chcon', '-t', 'shadow_t', '/srv/secret/secret'])
  mkdirSync('/srv/out', { recursive: true })
  chmodSync('/srv/out', 0o777)
  writeFileSync('/srv/compute.yaml', 'version: 1\nsyscalls: {profile: compute}\n')

  // Debian's policy lets nobody make code as it runs, not even Node; Fedora's does
  started(['/usr/sbin/setsebool', 'allow_execmem', '1'])
  enforce(true)
  for (const starter of STARTERS) without(starter)
  enforce(false)
  const loaded = started(['/usr/sbin/semodule', '-i', MODULE])
  check('SELinux takes the module for jobs', loaded.status === 0, loaded)
  for (const starter of STARTERS) permissive(starter)
  const staff = explained({ as: ['runcon', 'staff_u:staff_r:staff_t:s0'] })
  check('a confined login is told so', staff.stdout.includes('may not enter glovebox_job_t'), staff)
  enforce(true)
  for (const starter of STARTERS) under(starter)
  for (const starter of STARTERS.slice(2)) proof(starter)
  verifiedByBoth(...STARTERS.slice(2))
  enforce(false)
}

function enforce(on) {
  const set = started(['/usr/sbin/setenforce', on ? '1' : '0'])
  const now = readFileSync('/sys/fs/selinux/enforce', 'utf8')
  check(`SELinux ${on ? 'refuses' : 'only logs'}`, now === (on ? '1' : '0'), { set, now })
}

const run = ({ as, flags = [] }, ...args) =>
  started([...as, PROGRAM, 'run', '--deadline', '2m', ...flags, ...args])
const explained = ({ as, flags = [] }) => started([...as, PROGRAM, 'explain', ...flags])

function without(starter) {
  const is = (what, good, seen) => check(`${starter.name}, no module: ${what}`, good, seen)
  const label = run(starter, '--', ...LABEL)
  is('a job stays in the domain of its starter', label.stdout.includes(`:${starter.domain}:`), label)
  const control = run(starter, '--', ...ESCAPE)
  is('the control: it may choose one for itself', control.status === 0, control)
  const secret = run(starter, ...SECRET)
  is('the control: it reads a granted file of type shadow_t', secret.stdout === 'plain\nsecret\n', secret)
  const said = explained(starter)
  is('explain says how to get it', said.stdout.includes('semodule -i etc/selinux/glovebox_job.cil'), said)
}

function permissive(starter) {
  const is = (what, good, seen) => check(`${starter.name}, permissive: ${what}`, good, seen)
  const label = run(starter, '--', ...LABEL)
  is('the job has its domain, for the log', label.stdout.includes(':glovebox_job_t:s0'), label)
  const said = explained(starter)
  is('it is not said to be enforced', said.stdout.includes('setenforce 1'), said)
}

function under(starter) {
  const is = (what, good, seen) => check(`${starter.name}, under SELinux: ${what}`, good, seen)
  const label = run(starter, '--', ...LABEL)
  is('the job has its domain', /^\w+:\w+:glovebox_job_t:s0\0?$/.test(label.stdout), label)
  const left = run(starter, '--', ...ESCAPE)
  is('and can’t leave it', left.status === 1, left)
  const secret = run(starter, ...SECRET)
  is('a granted file of type shadow_t can’t be read', secret.stdout === 'plain\n', secret)
  const ordinary = run(starter, '--', 'sh', '-c', ORDINARY)
  is('programs do what they do', ordinary.stdout === 'through\nran\nran\nroot\n', ordinary)
  const node = run(starter, '--', '/usr/bin/node', '-e', WARM)
  is('Node, which makes code as it runs', node.stdout === '4999950000\n', node)
  const picture = run(starter, '--policy', '/srv/compute.yaml', '--', ...PICTURE)
  is('compute: a picture', picture.stdout.includes('40x30'), picture)
  const script = ['sh', '-c', 'echo confined > /out/confined']
  const written = run(starter, '--write', '/srv/out:/out', '--', ...script)
  const there = readFileSync('/srv/out/confined', 'utf8')
  is('a write grant', written.status === 0 && there === 'confined\n', written)
  const { as, flags = [] } = starter
  const killed = started([...as, PROGRAM, 'run', '--deadline', '2s', ...flags, '--', 'sleep', '60'])
  is('a deadline', killed.status === 124, killed)
  const said = explained(starter)
  is('explain says so', said.stdout.includes('by SELinux domain glovebox_job_t'), said)
}
