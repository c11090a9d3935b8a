/** The disk that every host of `npm run test:hosts` starts from: Debian 12 from its packages, made once, and this checkout's program in it. */
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Failure, root } from '../build/checkout.mjs'

const PACKAGES =
  'systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,bubblewrap,apparmor,selinux-policy-default,policycoreutils,selinux-utils,imagemagick,python3-minimal,procps,libstdc++6,libatomic1,linux-image-cloud-amd64,initramfs-tools,runc,docker.io'
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
ExecStart=/usr/bin/node /opt/glovebox/inside/main.mjs
ExecStopPost=/bin/systemctl poweroff --force --force
StandardOutput=file:/dev/ttyS1
StandardError=file:/dev/ttyS1
[Install]
WantedBy=multi-user.target
`
/** Only the host that is about them starts them: an engine changes what others are about. */
const ENGINE = ['docker.service', 'docker.socket', 'containerd.service']

/** Before anything is made that takes minutes. */
export function needPrograms() {
  for (const program of ['mmdebstrap', 'mke2fs', 'setpriv', 'qemu-system-x86_64'])
    if (spawnSync(program, ['--version'], { stdio: 'ignore' }).error !== undefined)
      throw new Failure(
        `${program} is needed: apt-get install qemu-system-x86 mmdebstrap e2fsprogs util-linux`,
      )
}

/** Makes `folder`/disk.img. A Debian that lies there already is used again. */
export function makePicture(folder) {
  const system = join(folder, 'debian')
  const disk = join(folder, 'disk.img')
  if (!existsSync(system)) {
    // under another name until it is whole
    const unfinished = join(folder, 'unfinished')
    rmSync(unfinished, { recursive: true, force: true })
    const from = ['bookworm', unfinished, 'http://deb.debian.org/debian']
    run('mmdebstrap', ['--quiet', '--mode=root', '--variant=minbase', `--include=${PACKAGES}`, ...from])
    run('chroot', [unfinished, 'useradd', '--create-home', '--uid', '1000', 'user'])
    run('chroot', [unfinished, 'useradd', '--create-home', '--uid', '1001', 'app'])
    run('chroot', [unfinished, 'systemctl', '--quiet', 'disable', ...ENGINE])
    renameSync(unfinished, system)
  }
  install(system)
  label(system)
  rmSync(disk, { force: true })
  run('truncate', ['--size', '4G', disk])
  run('mke2fs', ['-q', '-F', '-t', 'ext4', '-d', system, disk])
}

/** What the program imports, as the lock file says it. */
function neededPackages() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  return Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && dev !== true)
    .map(([path]) => path)
}

/** This checkout's program, the Node that runs this, and the unit that starts the checks at boot. */
function install(system) {
  const place = join(system, 'opt/glovebox')
  rmSync(place, { recursive: true, force: true })
  for (const path of PROGRAM) cpSync(join(root, path), join(place, path), { recursive: true })
  cpSync(join(root, 'scripts/test-hosts/inside'), join(place, 'inside'), { recursive: true })
  cpSync(process.execPath, join(system, 'usr/bin/node'))
  writeFileSync(join(system, 'etc/systemd/system/checks.service'), UNIT)
  mkdirSync(join(system, 'var/lib/systemd/linger'), { recursive: true })
  writeFileSync(join(system, 'var/lib/systemd/linger/user'), '')
  writeFileSync(join(system, 'etc/fstab'), '/dev/vda / ext4 defaults 0 0\n')
  const wanted = join(system, 'etc/systemd/system/multi-user.target.wants/checks.service')
  rmSync(wanted, { force: true })
  symlinkSync('/etc/systemd/system/checks.service', wanted)
}

/** For SELinux, which would refuse most of what no label says anything of. setfiles(8) goes by /proc/self/fd. */
function label(system) {
  const contexts = '/etc/selinux/default/contexts/files/file_contexts'
  const words = `mount -t proc proc "$0/proc" && chroot "$0" setfiles -F ${contexts} /`
  run('unshare', ['--mount', 'sh', '-c', words, system])
}

function run(program, args) {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit' })
  if (status !== 0) throw new Failure(`${program} failed${error ? `: ${error.message}` : ''}.`)
}
