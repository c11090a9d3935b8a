/** Landlock, which the machine's kernel (Linux 6.1, ABI 2) has, and the compute profile on it. */
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

import { check, PROGRAM } from './checks.mjs'

const AGENT = '/opt/glovebox/dist/native/x64/agent'
export const STARTERS = [
  { name: 'root', as: [] },
  // of a user in a plain login nobody holds the memory
  { name: 'a user', as: ['runuser', '-u', 'user', '--'], flags: ['--waive', 'limits.memory'] },
]

export const USE_FIFO = `import os
try: os.write(os.open('/in/fifo', os.O_RDWR | os.O_NONBLOCK), b'x'); print('written')
except OSError as error: print(error.errno)`

/** What programs do in their own places, which the second wall must let be. */
export const ORDINARY = `set -e
mkdir -p a b/c; echo x > a/f; mv a/f b/c/g; ln b/c/g a/h; ln -s ../b/c/g a/s; cat a/s > /dev/null; : > a/h
mkfifo p; (echo through > p &); read line < p; echo "$line" > /dev/stdout
printf '#!/bin/sh\\necho ran\\n' > script; chmod +x script; ./script
cp script /tmp/; /tmp/script; echo x > /dev/shm/x; rm -r a b p; ls / > /dev/null; ls /proc/self/fd > /dev/null
echo name > /proc/self/comm; cat /etc/passwd | head -1 | cut -d: -f1`

export async function walls() {
  mkdirSync('/srv/fifo', { recursive: true })
  spawnSync('mkfifo', ['/srv/fifo/fifo'])
  chmodSync('/srv/fifo/fifo', 0o666)
  writeFileSync('/srv/fifo/plain', 'plain\n')
  mkdirSync('/srv/out', { recursive: true })
  chmodSync('/srv/out', 0o777)
  writeFileSync('/srv/compute.yaml', 'version: 1\nsyscalls: {profile: compute}\n')
  for (const starter of STARTERS) ofStarter(starter)
  unseen()
  await landlockAlone()
}

function ofStarter({ name, as, flags = [] }) {
  const is = (what, good, seen) => check(`${name}: ${what}`, good, seen)
  const glovebox = (command, ...args) => run([...as, PROGRAM, command, ...flags, ...args])

  const { claims } = JSON.parse(glovebox('explain', '--json').stdout)
  const claim = claims.find(({ id }) => id === 'files.second-wall')
  is('Landlock is promised', claim.status === 'enforced' && claim.by[0].includes('ABI 2 or newer'), claim)

  const fifo = glovebox('run', '--read', '/srv/fifo:/in', '--', 'python3', '-c', USE_FIFO)
  is('a fifo in a read grant can’t be written to', fifo.stdout === '13\n', fifo)
  const ordinary = glovebox('run', '--deadline', '1m', '--', 'sh', '-c', ORDINARY)
  is('programs do what they do', ordinary.stdout === 'through\nran\nran\nroot\n', ordinary)

  const file = [
    '--read',
    '/srv/fifo/plain:/in/plain',
    '--input',
    '/srv/fifo/plain:copy',
    '--write',
    '/srv/out:/out',
  ]
  const copied = glovebox('run', ...file, '--', 'sh', '-c', 'cat /in/plain copy > /out/both; cat /out/both')
  is('a granted file, an input, a write grant', copied.stdout === 'plain\nplain\n', copied)

  const compute = (...argv) =>
    glovebox('run', '--deadline', '1m', '--policy', '/srv/compute.yaml', '--', ...argv)
  const exec = 'import os\ntry: os.execv("/bin/true", ["true"])\nexcept OSError as error: print(error.errno)'
  const second = compute('/usr/bin/python3', '-c', exec)
  is('compute: no second program', second.stdout === '38\n', second)
  const picture = compute('/usr/bin/convert', '-size', '80x60', 'gradient:', '-resize', '50%', 'info:-')
  is('compute: a picture', picture.stdout.includes('40x30'), picture)
}

/** In most containers securityfs is not there: Landlock is not promised, used all the same, and in the report. */
function unseen() {
  const hidden = `umount /sys/kernel/security; ${PROGRAM} explain --json; ${PROGRAM} run --report /tmp/report -- true`
  const { stdout } = run(['unshare', '-m', 'sh', '-c', hidden])
  const of = ({ claims }) => claims.find(({ id }) => id === 'files.second-wall')
  const [planned, reported] = [of(JSON.parse(stdout)), of(JSON.parse(readFileSync('/tmp/report', 'utf8')))]
  const good = planned.status === 'notApplicable' && reported.status === 'enforced'
  check(
    'without securityfs Landlock is not promised, and reported',
    good && reported.by[0] === 'Landlock (ABI 2)',
    {
      planned,
      reported,
    },
  )
}

/** Without the other walls: the same agent where every mount can be written to. */
async function landlockAlone() {
  const open = [
    '--unshare-user --unshare-pid --bind / / --proc /proc --dev /dev --die-with-parent --as-pid-1 --',
  ][0].split(' ')
  const fifo = spawnSync(
    'bwrap',
    [
      '--ro-bind',
      '/',
      '/',
      '--ro-bind',
      '/srv/fifo',
      '/mnt',
      '--',
      'python3',
      '-c',
      USE_FIFO.replace('/in', '/mnt'),
    ],
    { encoding: 'utf8' },
  )
  check(
    'control: a read-only mount alone does not keep a fifo from being written to',
    fifo.stdout === 'written\n',
    fifo,
  )

  const script =
    'echo x > /srv/planted || echo refused; cp /bin/true /srv/place/t && /srv/place/t && echo placed; /srv/tool || echo not run'
  const RUN = 0xd
  const WRITE = 0x77bf
  const places = [
    ['/usr', RUN],
    ['/etc', 0xc],
    ['/dev', 0x800e],
    ['/srv/place', WRITE],
  ]
  mkdirSync('/srv/place', { recursive: true })
  writeFileSync('/srv/tool', '#!/bin/sh\necho ran\n', { mode: 0o755 })
  for (const walled of [false, true]) {
    rmSync('/srv/planted', { force: true })
    const said = await underAgent([...open, AGENT], script, walled ? places : [])
    const planted = existsSync('/srv/planted')
    check(
      walled ? 'Landlock alone holds what no mount forbids' : 'control: without it nothing does',
      planted === !walled && said === (walled ? 'refused\nplaced\nnot run\n' : 'placed\nran\n'),
      { said, planted },
    )
  }
  rmSync('/srv/planted', { force: true })
}

/** The control socket's words are those of native/agent/agent.h. */
function underAgent([program, ...args], script, places) {
  const child = spawn('bwrap', [program, ...args], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe', 'pipe', 'pipe', 'pipe'],
  })
  const [control, stdin, stdout, stderr] = child.stdio.slice(3)
  for (const each of [stdin, stderr]) each.on('error', () => {}).resume()
  let said = ''
  stdout.on('data', (part) => {
    said += part
  })
  control.on('error', () => {})
  control.on('data', (part) => {
    if (part.includes('E')) control.end()
  })
  const argv = ['sh', '-c', script].map((item) => frame('x', Buffer.from(item)))
  const rules = places.map(([path, rights]) => frame('p', u32(rights), Buffer.from(path)))
  control.write(
    Buffer.concat([
      frame('w', Buffer.from('/')),
      frame('t', u32(20_000)),
      frame('a', u32(places.length > 0 ? 2 : 0)),
      ...rules,
      ...argv,
      frame('g'),
    ]),
  )
  return new Promise((resolve) => child.on('close', () => resolve(said)))
}

function frame(tag, ...parts) {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from(tag), u32(body.length), body])
}

function u32(value) {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function run([program, ...args]) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', cwd: '/', input: '' })
  return { status, stdout, stderr }
}
