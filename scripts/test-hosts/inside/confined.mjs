/** AppArmor as a third wall, with the profile of etc/apparmor.d and without. */
import { cpSync, readFileSync } from 'node:fs'
import { check, PROGRAM, started } from './checks.mjs'
import { proof } from './proof.mjs'
import { ORDINARY, STARTERS } from './walls.mjs'

const PROFILE = '/etc/apparmor.d/glovebox-job'
const LABEL = ['cat', '/proc/self/attr/apparmor/current']
const ESCAPE = ['sh', '-c', 'echo exec unconfined > /proc/self/attr/apparmor/exec']
const PICTURE = ['/usr/bin/convert', '-size', '80x60', 'gradient:', '-resize', '50%', 'info:-']

export function confined() {
  for (const starter of STARTERS) without(starter)
  withProfile(() => {
    for (const each of [under, proof]) for (const starter of STARTERS) each(starter)
  })
  for (const starter of STARTERS) without(starter)
}

/** Does `work` while the profile for jobs is loaded. */
export function withProfile(work) {
  cpSync('/opt/glovebox/etc/apparmor.d/glovebox-job', PROFILE)
  const loaded = started(['/sbin/apparmor_parser', '-r', PROFILE])
  check('AppArmor takes the profile for jobs', loaded.status === 0, loaded)
  work()
  started(['/sbin/apparmor_parser', '-R', PROFILE])
}

const runner =
  ({ as, flags = [] }) =>
  (...args) =>
    started([...as, PROGRAM, 'run', '--deadline', '1m', ...flags, ...args])

function without(starter) {
  const run = runner(starter)
  const label = run('--', ...LABEL)
  check(
    `${starter.name}, no profile: a job is not confined by AppArmor`,
    label.stdout === 'unconfined\n',
    label,
  )
  const control = run('--', ...ESCAPE)
  check(
    `${starter.name}, no profile: the control: it may choose one for itself`,
    control.status === 0,
    control,
  )
  const said = started([...starter.as, PROGRAM, 'explain', ...(starter.flags ?? [])])
  check(
    `${starter.name}, no profile: explain says how to get it`,
    said.stdout.includes('apparmor_parser -r'),
    said,
  )
}

function under(starter) {
  const run = runner(starter)
  const is = (what, good, seen) => check(`${starter.name}, under AppArmor: ${what}`, good, seen)
  const label = run('--', ...LABEL)
  is('the job has its profile', label.stdout === 'glovebox-job (enforce)\n', label)
  const left = run('--', ...ESCAPE)
  is('and can’t leave it', left.status !== 0, left)
  const ordinary = run('--', 'sh', '-c', ORDINARY)
  is('programs do what they do', ordinary.stdout === 'through\nran\nran\nroot\n', ordinary)
  const picture = run('--policy', '/srv/compute.yaml', '--', ...PICTURE)
  is('compute: a picture', picture.stdout.includes('40x30'), picture)
  const written = run('--write', '/srv/out:/out', '--', 'sh', '-c', 'echo confined > /out/confined')
  is(
    'a write grant',
    written.status === 0 && readFileSync('/srv/out/confined', 'utf8') === 'confined\n',
    written,
  )
  const said = started([...starter.as, PROGRAM, 'explain', ...(starter.flags ?? [])])
  is('explain says so', said.stdout.includes('by AppArmor profile glovebox-job'), said)
}
