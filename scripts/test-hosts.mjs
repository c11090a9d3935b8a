/**
 * npm run test:vm [-- FOLDER [proof]]: limits on a machine with cgroup v2 and systemd, and Landlock, AppArmor and SELinux, whatever this one
 * has. Makes a Debian 12 from Debian's packages in FOLDER (a new temporary one; kept if given, and then used again), starts it in QEMU
 * without hardware virtualisation, once with AppArmor and once with SELinux, and runs scripts/test-vm/inside.mjs in it; with `proof`
 * only what `glovebox verify` says there, with all mechanisms and without. About a quarter of an hour on two processors; needs root,
 * for mmdebstrap, and `apt-get install qemu-system-x86 mmdebstrap e2fsprogs`.
 */
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build, PARTS } from './build/all.mjs'
import { Failure, root, runScript } from './build/checkout.mjs'

const PACKAGES =
  'systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,bubblewrap,apparmor,selinux-policy-default,policycoreutils,selinux-utils,imagemagick,python3-minimal,procps,libstdc++6,libatomic1,linux-image-cloud-amd64,initramfs-tools'
const PROGRAM = [
  'bin',
  'dist/src',
  'dist/cli',
  'dist/gateway',
  'dist/native',
  'dist/mutable',
  ...['worker', 'policies', 'probes'].map((name) => `dist/test/proof/mutation-${name}.js`),
  'etc',
  'policies',
  'package.json',
  ...neededPackages(),
]
const UNIT = `[Unit]
After=multi-user.target user@1000.service
[Service]
ExecStart=/usr/bin/node /opt/glovebox/inside.mjs
ExecStopPost=/bin/systemctl poweroff --force --force
StandardOutput=file:/dev/ttyS1
StandardError=file:/dev/ttyS1
[Install]
WantedBy=multi-user.target
`
/** Of a boot; some ten where nothing else runs. */
const MINUTES = 45

await runScript('test:vm', async () => {
  if (process.getuid() !== 0) throw new Failure('mmdebstrap needs root to make the image.')
  if (process.arch !== 'x64') throw new Failure('the machine is an x86_64 one, and gets this Node.')
  await build(Object.keys(PARTS))
  const [, , given, only = ''] = process.argv
  if (!['', 'proof'].includes(only)) throw new Failure('the arguments are: FOLDER proof.')
  const folder = given ?? mkdtempSync(join(tmpdir(), 'glovebox-vm-'))
  try {
    return test(folder, only === '' ? '' : `glovebox.only=${only}`)
  } finally {
    if (given === undefined) rmSync(folder, { recursive: true, force: true })
  }
})

function test(folder, option) {
  const system = join(folder, 'debian')
  const disk = join(folder, 'disk.img')
  if (!existsSync(join(system, 'boot'))) {
    const from = ['bookworm', system, 'http://deb.debian.org/debian']
    run('mmdebstrap', ['--mode=root', '--variant=minbase', `--include=${PACKAGES}`, ...from])
    run('chroot', [system, 'useradd', '--create-home', '--uid', '1000', 'user'])
    run('chroot', [system, 'useradd', '--create-home', '--uid', '1001', 'app'])
  }
  install(system)
  label(system)
  run('truncate', ['--size', '3G', disk])
  run('mke2fs', ['-q', '-F', '-t', 'ext4', '-d', system, disk])
  // the kernel runs AppArmor or SELinux, the first unless told
  const starts = [boot(folder, option), boot(folder, `security=selinux ${option}`)]
  if (!starts.every((text) => /^passed: [1-9]\d*, failed: 0\r?$/m.test(text)))
    throw new Failure('not everything held in there.')
  return 0
}

/** What the program imports, as the lock file says it. */
function neededPackages() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  return Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && dev !== true)
    .map(([path]) => path)
}

/** What the checks said; the disk stays as it was made. */
function boot(folder, option) {
  const system = join(folder, 'debian/boot')
  const results = join(folder, 'results')
  const file = (name) =>
    join(
      system,
      readdirSync(system).find((each) => each.startsWith(name)),
    )
  rmSync(results, { force: true })
  const machine = '-M pc,accel=tcg -cpu max -m 2048 -smp 2 -no-reboot -nodefaults -display none'.split(' ')
  const drive = `file=${join(folder, 'disk.img')},format=raw,if=virtio,cache=unsafe,snapshot=on`
  const qemu = [
    ...machine,
    ...['-kernel', file('vmlinuz'), '-initrd', file('initrd.img')],
    ...['-append', `root=/dev/vda rw console=ttyS0 quiet ${option}`],
    ...['-drive', drive, '-device', 'virtio-rng-pci'],
    ...['-serial', `file:${join(folder, 'console')}`, '-serial', `file:${results}`],
  ]
  run('qemu-system-x86_64', qemu, MINUTES * 60_000)
  const text = existsSync(results) ? readFileSync(results, 'utf8') : ''
  process.stdout.write(text)
  return text
}

/** For SELinux, which would refuse most of what no label says anything of. setfiles(8) goes by /proc/self/fd. */
function label(system) {
  const contexts = '/etc/selinux/default/contexts/files/file_contexts'
  const words = `mount -t proc proc "$0/proc" && chroot "$0" setfiles -F ${contexts} /`
  run('unshare', ['--mount', 'sh', '-c', words, system])
}

/** This checkout's program, the Node that runs this, and the unit that starts the checks at boot. */
function install(system) {
  const place = join(system, 'opt/glovebox')
  rmSync(place, { recursive: true, force: true })
  for (const path of PROGRAM) cpSync(join(root, path), join(place, path), { recursive: true })
  cpSync(join(root, 'scripts/test-vm'), place, { recursive: true })
  cpSync(process.execPath, join(system, 'usr/bin/node'))
  writeFileSync(join(system, 'etc/systemd/system/checks.service'), UNIT)
  mkdirSync(join(system, 'var/lib/systemd/linger'), { recursive: true })
  writeFileSync(join(system, 'var/lib/systemd/linger/user'), '')
  writeFileSync(join(system, 'etc/fstab'), '/dev/vda / ext4 defaults 0 0\n')
  const wanted = join(system, 'etc/systemd/system/multi-user.target.wants/checks.service')
  rmSync(wanted, { force: true })
  symlinkSync('/etc/systemd/system/checks.service', wanted)
}

function run(program, args, timeout) {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit', timeout })
  if (error?.code === 'ENOENT')
    throw new Failure(`${program} is needed: apt-get install qemu-system-x86 mmdebstrap e2fsprogs`)
  if (status !== 0) throw new Failure(`${program} failed${error ? `: ${error.message}` : ''}.`)
}
