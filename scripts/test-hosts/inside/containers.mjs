/** Debian's runc and Docker Engine where systemd has cgroup v2 and AppArmor confines containers. */
import { check, PROGRAM, started } from './checks.mjs'
import { withProfile } from './confined.mjs'
import { doctor, verified } from './verified.mjs'

const STARTER = { name: 'root', as: [] }
/** What AppArmor says of a job, without our profile and with it: an engine confines its containers by its own. */
const BOUNDARIES = {
  runc: ['unconfined', 'glovebox-job (enforce)'],
  docker: ['docker-default (enforce)', 'docker-default (enforce)'],
}

const OF_THE_HOST = [
  ...['limits.memory', 'limits.processes', 'identity.unprivileged', 'identity.no-user-namespaces'],
  ...['isolation.security-module', 'isolation.cgroup-view', 'files.devices', 'lifetime.nothing-left'],
]

export function containers() {
  const engine = started(['systemctl', 'start', 'docker.service'])
  check('a Docker Engine starts', engine.status === 0, engine)
  const found = doctor(STARTER)
  for (const [name, [label]] of Object.entries(BOUNDARIES)) {
    const finding = found[`boundary ${name}`]
    check(`doctor: ${name} is here`, finding?.status === 'good', finding)
    runs(name, label)
  }
  withProfile(() => {
    for (const [name, [, label]] of Object.entries(BOUNDARIES)) runs(name, label, ', with the profile')
  })
  verified({ ...STARTER, name: 'runc', flags: ['--boundary', 'runc'] }, ['a network'])
  // an engine's start takes seconds here, and there are hundreds: what hangs on the host's kernel alone
  const only = OF_THE_HOST.flatMap((claim) => ['--only', claim])
  verified({ ...STARTER, name: 'docker', flags: ['--boundary', 'docker', ...only] }, ['the default policy'])
}

function runs(name, label, when = '') {
  const run = (...args) => started([PROGRAM, 'run', '--deadline', '2m', '--boundary', name, ...args])
  const plain = run('--', 'sh', '-c', 'id -u; cat /proc/self/attr/apparmor/current')
  const [uid, found] = plain.stdout.split('\n')
  check(`${name}${when}: a job runs, as nobody’s uid`, plain.status === 0 && Number(uid) >= 1000, plain)
  check(`${name}${when}: AppArmor says ${label}`, found === label, plain)
  const hog = ['python3', '-c', 'x = bytearray(200 << 20)']
  const memory = run('--memory', '64MiB', '--', ...hog)
  check(`${name}${when}: memory`, memory.status === 137 && memory.stderr.includes('limits.memory'), memory)
  const forks = run('--processes', '8', '--', 'sh', '-c', 'for i in 1 2 3 4 5 6 7 8 9; do sleep 9 & done')
  check(`${name}${when}: processes`, /fork|Resource/.test(forks.stderr), forks)
}
