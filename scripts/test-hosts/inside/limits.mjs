/** The limits, from each place that systemd starts programs in. */
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { check, glovebox, PROGRAM, SERVICE, USERS_OWN } from './checks.mjs'

/** `memory`: whether it can be limited there; `half`: whether half a processor can, where that is certain */
const PLACES = [
  {
    name: 'root, logged in',
    as: ['systemd-run', '--quiet', '--scope', '--slice=user-0.slice', '--'],
    memory: true,
  },
  { name: 'root, in a service', as: [...SERVICE, '--'], memory: true },
  { name: 'root, Delegate=yes', as: [...SERVICE, '-p', 'Delegate=yes', '--'], memory: true, half: true },
  { name: 'a user’s scope', as: [...USERS_OWN, '--scope', '--'], memory: true, half: false },
  { name: 'a user’s service', as: [...USERS_OWN, '--wait', '--pipe', '--'], memory: true, half: false },
  {
    name: 'a user’s scope, Delegate=yes',
    as: [...USERS_OWN, '--scope', '-p', 'Delegate=yes', '--'],
    memory: true,
    half: true,
  },
  { name: 'User=', as: [...SERVICE, '--uid=app', '--'], memory: false, half: false },
  {
    name: 'User= and Delegate=yes',
    as: [...SERVICE, '--uid=app', '-p', 'Delegate=yes', '--'],
    memory: true,
    half: true,
  },
]

const HOG = 'x = bytearray(200 << 20)'
const FORKED_HOG = `import os
if os.fork() == 0: ${HOG}
else: os.wait()`
const FORKS = `import os, time
n = 0
try:
    while os.fork() != 0: n += 1
    time.sleep(2)
except OSError: print(n)`
const SHARE = `import time
for round in range(2):
    t = time.time(); c = time.process_time()
    while time.time() - t < 4: pass
    print("%.2f" % ((time.process_time() - c) / (time.time() - t)), flush=True)`

/** folders of launchers; that of a service's own processes is not one */
function left() {
  for (let tries = 1; ; tries++)
    try {
      return readdirSync('/sys/fs/cgroup', { recursive: true }).filter((path) => /\/glovebox-\d+$/.test(path))
    } catch (error) {
      // systemd removes groups of its own while they are gone through
      if (error.code !== 'ENOENT' || tries === 100) throw error
    }
}

/** Root, by cgroups that systemd hands on. */
export function limitsOfRoot() {
  for (const place of PLACES.filter(({ name }) => name.startsWith('root'))) limits(place)
}

export async function limitsOfAll() {
  for (const place of PLACES) limits(place)
  await theUnitThatWantedTheController()
  await killedLauncher()
  grantOfRoot()
}

function limits(place) {
  const is = (what, good, seen) => check(`${place.name}: ${what}`, good, seen)
  const first = glovebox(place, '--', 'id', '-u')
  if (!place.memory) {
    is('refused, with the advice', first.status === 125 && first.stderr.includes('Delegate=yes'), first)
    return
  }
  is('a job runs', first.status === 0 && first.stdout === '1000\n', first)
  for (const [what, ...job] of [
    ['memory', 'python3', '-c', HOG],
    ['memory of a child, while its parent exits 0', 'python3', '-c', FORKED_HOG],
    ['memory of files', 'dd', 'if=/dev/zero', 'of=/tmp/x', 'bs=1M', 'count=200', 'status=none'],
  ]) {
    const run = glovebox(place, '--memory', '64MiB', '--scratch', '256MiB', '--', ...job)
    is(what, run.status === 137 && run.stderr.includes('limits.memory'), run)
  }
  const forks = glovebox(place, '--processes', '8', '--', 'python3', '-c', FORKS)
  is('processes', forks.status === 0 && forks.stdout.trim() === '7', forks)
  const share = glovebox(place, '--cpus', '0.5', '--', 'python3', '-c', SHARE)
  const halved =
    share.status === 0 &&
    share.stdout
      .trim()
      .split('\n')
      .every((part) => Number(part) < 0.6)
  if (place.half === true) is('half a processor', halved, share)
  else is('half a processor, or refused', share.status === 125 || (place.half !== false && halved), share)
  is('nothing is left', left().length === 0, left())
}

/** systemd takes cpu back from the slice when the last unit that wanted it stops: the limit must not go with it. */
async function theUnitThatWantedTheController() {
  spawnSync('systemd-run', ['--quiet', '--unit=sibling', '-p', 'CPUWeight=50', 'sleep', '600'])
  const [start, ...rest] = [
    ...SERVICE,
    '--',
    PROGRAM,
    'run',
    '--cpus',
    '0.5',
    '--',
    'python3',
    '-c',
    SHARE.replace('range(2)', 'range(4)'),
  ]
  const job = spawn(start, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  job.stdout.on('data', (chunk) => {
    if (said === '') spawnSync('systemctl', ['stop', 'sibling'])
    said += chunk
  })
  await new Promise((resolve) => job.on('close', resolve))
  const shares = said.trim().split('\n').map(Number)
  check(
    'a controller that systemd takes back is kept while a job runs',
    shares.length === 4 && shares.every((share) => share < 0.6),
    shares,
  )
}

async function killedLauncher() {
  const [start, ...rest] = [...SERVICE, '--', PROGRAM, 'run', '--', 'sleep', '61']
  const job = spawn(start, rest, { stdio: 'ignore' })
  const sleeping = () => spawnSync('pgrep', ['-fx', 'sleep 61']).status === 0
  for (let tries = 0; tries < 300 && !sleeping(); tries++) await sleep(200)
  const [folder = ''] = left()
  process.kill(Number(/\d+$/.exec(folder)?.[0]), 'SIGKILL')
  const status = await new Promise((resolve) => job.on('close', resolve))
  check('a killed launcher: the run ends, and nothing lives on', status === 125 && !sleeping(), status)
  glovebox(PLACES[1], '--', 'true')
  check('… and the next start sweeps', left().length === 0, left())
}

/** idmapped mounts, on ext4 */
function grantOfRoot() {
  mkdirSync('/srv/private', { recursive: true })
  chmodSync('/srv/private', 0o700)
  writeFileSync('/srv/private/file', 'for the job\n', { mode: 0o600 })
  const run = glovebox(PLACES[0], '--read', '/srv/private:/in', '--', 'cat', '/in/file')
  check('root grants a folder of its own', run.stdout === 'for the job\n', run)
  const written = glovebox(PLACES[0], '--read', '/srv/private:/in', '--', 'sh', '-c', 'echo x > /in/file')
  check(
    '… read-only',
    written.status !== 0 && readFileSync('/srv/private/file', 'utf8') === 'for the job\n',
    written,
  )
  spawnSync('convert', ['-size', '80x60', 'gradient:', '/root/x.png'])
  const convert = ['--policy', 'imagemagick', '--input', '/root/x.png', '--output', 'y.webp:/root/y.webp']
  const made = glovebox(PLACES[0], ...convert, '--', 'convert', 'x.png', '-resize', '50%', 'y.webp')
  check('a picture is converted', made.status === 0 && existsSync('/root/y.webp'), made)
}
