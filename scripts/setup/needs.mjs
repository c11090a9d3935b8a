/**
 * What a checkout needs from the system: one line a package, with how to tell that it is there (by what it is
 * needed for, so that a program built by hand counts) and why it is needed. `docs/dependencies.md` says more.
 */
import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { compilerFor, packagesFor, TARGETS } from '../build/targets.mjs'

export const PURPOSES = ['build', 'demo', 'test', 'package']
const ALWAYS = PURPOSES

export const NEEDS = [
  { package: 'gcc', for: ALWAYS, there: () => onPath('gcc'), why: 'to compile the native programs' },
  {
    package: 'libc6-dev',
    for: ALWAYS,
    there: () => inLibraries('rcrt1.o') && inLibraries('libc.a'),
    why: 'to link the native programs statically',
  },
  {
    package: 'linux-libc-dev',
    for: ALWAYS,
    there: () => existsSync('/usr/include/linux/seccomp.h'),
    why: 'the kernel headers that the native programs use',
  },
  {
    package: 'bubblewrap',
    for: ALWAYS,
    there: () => atLeast(bubblewrap(), [0, 8]),
    why: 'makes the namespaces of the process boundary; 0.8 or newer, for --disable-userns',
  },
  // not any `convert` on the PATH: another program may stand in front of it
  {
    package: 'imagemagick',
    for: ['demo', 'test'],
    there: () => existsSync('/usr/bin/convert'),
    why: 'the untrusted work of the demo and the tests',
  },
  {
    package: 'libmagickcore-6.q16-6-extra',
    for: ['test'],
    // another distribution calls it otherwise, or has it in ImageMagick: then what needs it is skipped
    optional: true,
    there: () =>
      existsSync('/usr/bin/convert') && says('/usr/bin/convert', '-list', 'format').includes(' MSVG'),
    why: 'drawings in SVG, for the tests of a built-in profile',
  },
  {
    package: 'python3',
    for: ['test'],
    there: () => existsSync('/usr/bin/python3'),
    why: 'attacks from inside that need more than a shell',
  },
  {
    package: 'ffmpeg',
    for: ['test'],
    there: () => existsSync('/usr/bin/ffmpeg'),
    why: 'the second program that the default profile is held to',
  },
  {
    package: 'ghostscript',
    for: ['test'],
    there: () => existsSync('/usr/bin/gs'),
    why: 'documents that are programs, for the tests of a built-in profile',
  },
  {
    package: 'libreoffice-writer-nogui',
    for: ['test'],
    there: () => existsSync('/usr/bin/soffice'),
    why: 'documents with links, for the tests of a built-in profile',
  },
  {
    package: 'python3-pip',
    for: ['test'],
    there: () => existsSync('/usr/bin/pip3'),
    why: 'packages whose build is an attack, for the tests of a built-in profile',
  },
  {
    package: 'python3-requests',
    for: ['test'],
    there: () => existsSync('/usr/lib/python3/dist-packages/requests'),
    why: 'a client of the tests of credentials',
  },
  ...Object.keys(TARGETS)
    .filter((arch) => arch !== process.arch)
    .flatMap(crossCompiler),
  {
    package: 'qemu-user-static',
    for: ['test'],
    there: () => onPath('qemu-aarch64-static') || process.arch === 'arm64',
    why: "to run the package's programs for arm64",
  },
  {
    package: 'qemu-system-x86',
    for: ['test'],
    there: () => onPath('qemu-system-x86_64') || process.arch !== 'x64',
    why: 'makes the virtual machines of the tests',
  },
  {
    package: 'linux-image-cloud-amd64',
    for: ['test'],
    there: () => cloudKernel() || process.arch !== 'x64',
    why: 'the kernel of those machines',
  },
  {
    package: 'erofs-utils',
    for: ['test'],
    there: () => onPath('mkfs.erofs'),
    why: 'their root file systems',
  },
  {
    package: 'musl-tools',
    for: ['test'],
    there: () => existsSync('/usr/bin/musl-gcc'),
    why: 'a host without glibc, as Alpine is one',
  },
  {
    package: 'busybox-static',
    for: ['test'],
    there: () => existsSync('/bin/busybox') || existsSync('/usr/bin/busybox'),
    why: 'the programs of that host',
  },
  {
    package: 'libseccomp-dev',
    for: ['test'],
    there: () => existsSync('/usr/include/seccomp.h') && inLibraries('libseccomp.so'),
    why: 'a second opinion on the system call filter',
  },
  {
    package: 'iproute2',
    for: ['test'],
    there: () => onPath('ip'),
    why: 'makes the network namespaces that the network tests have instead of the internet',
  },
  {
    package: 'curl',
    for: ['test'],
    there: () => existsSync('/usr/bin/curl'),
    why: 'a client of the network tests',
  },
  {
    package: 'git',
    for: ['test'],
    there: () => existsSync('/usr/bin/git'),
    why: 'a client of the network tests',
  },
  {
    package: 'openssl',
    for: ['test'],
    there: () => existsSync('/usr/bin/openssl'),
    why: 'a client of the network tests, and makes the certificates of their servers',
  },
  {
    package: 'postgresql',
    for: ['test'],
    there: () => existsSync('/usr/bin/psql') && existsSync('/usr/lib/postgresql'),
    why: 'a database and its client, for a network test',
  },
  {
    package: 'skopeo',
    for: ['test'],
    there: () => existsSync('/usr/bin/skopeo'),
    why: 'pulls images',
  },
  {
    package: 'umoci',
    for: ['test'],
    there: () => existsSync('/usr/bin/umoci'),
    why: 'unpacks images',
  },
  {
    package: 'docker-registry',
    for: ['test'],
    there: () => existsSync('/usr/bin/docker-registry'),
    why: 'a registry to pull from, for the tests of images',
  },
  {
    package: 'apache2-utils',
    for: ['test'],
    there: () => existsSync('/usr/bin/htpasswd'),
    why: "that registry's one user",
  },
  {
    package: 'runc',
    for: ['test'],
    there: () => onPath('runc'),
    why: 'a boundary, and the filter in its form for runtimes',
  },
  {
    package: 'runsc',
    for: ['test'],
    there: () => onPath('runsc'),
    why: "gVisor's runtime, whose version is told",
  },
  {
    package: 'docker.io',
    for: ['test'],
    there: () => onPath('dockerd'),
    why: 'a Docker Engine, which tests start for themselves',
  },
  {
    package: 'chromium',
    for: ['test'],
    there: () => existsSync('/usr/bin/chromium'),
    why: 'the browser in which the example service is tested, and of a built-in profile',
  },
]

/** What makes the native programs of another architecture: the package has those of all. */
function crossCompiler(arch) {
  const [compiler, library] = packagesFor(arch)
  const wanted = ['package', 'test']
  const why = `to make the package's programs for ${arch}`
  const libc = `/usr/${TARGETS[arch].triplet}/lib/rcrt1.o`
  return [
    { package: compiler, for: wanted, there: () => onPath(compilerFor(arch)), why },
    { package: library, for: wanted, there: () => existsSync(libc), why },
  ]
}

export function missing(purpose) {
  return NEEDS.filter((need) => need.for.includes(purpose) && !need.there())
}

/** The package's own hint when it is installed and still not good enough, e.g. an old version. */
export function shortfall(need) {
  const version = need.package === 'bubblewrap' ? bubblewrap() : null
  return version === null
    ? `${need.package} is still missing after its installation.`
    : `bubblewrap ${version.join('.')} is installed, and 0.8 is needed. Debian 12 and Ubuntu 24.04 have it.`
}

function says(program, ...args) {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return ''
  }
}

function onPath(program) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].filter(
    (folder) => folder !== '',
  )
  return folders.some((folder) => executable(join(folder, program)))
}

function executable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** `/usr/lib/x86_64-linux-gnu` and its like; `/usr/lib` and `/usr/lib64` elsewhere. */
function inLibraries(file) {
  const folders = ['/usr/lib', '/usr/lib64', ...readdirSync('/usr/lib').map((name) => `/usr/lib/${name}`)]
  return folders.some((folder) => existsSync(join(folder, file)))
}

/** With its modules: a kernel may be gone from one of the two folders. */
function cloudKernel() {
  return readdirSync('/boot')
    .filter((name) => name.startsWith('vmlinuz-') && name.includes('cloud'))
    .some((name) => existsSync(`/lib/modules/${name.slice('vmlinuz-'.length)}/modules.dep`))
}

function bubblewrap() {
  try {
    const text = execFileSync('bwrap', ['--version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return /(\d+(?:\.\d+)+)/.exec(text)?.[1].split('.').map(Number) ?? null
  } catch {
    return null
  }
}

function atLeast(version, wanted) {
  if (version === null) return false
  const [major, minor] = version
  return major > wanted[0] || (major === wanted[0] && minor >= wanted[1])
}
