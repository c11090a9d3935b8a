/**
 * A host whose libc is musl, as Alpine: busybox, musl, and nothing of glibc where a program would find it. Node and bubblewrap
 * stand in for Alpine's own: with libraries of theirs in a folder that no sandbox shows. What is looked at is Glovebox's
 * own part: cell and agent need no libc of the host, and the job's root is the musl host's.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { onChangedHost } from '../support/changed.js'
import { ROOT, sharedFolder } from '../support/checkout.js'
import { librariesOf, linkerOf } from '../support/programs.js'
import { SUITE_IS_ROOT } from '../support/users.js'

const MUSL_GCC = '/usr/bin/musl-gcc'
const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path))
const LINKER = '/lib/ld-musl-x86_64.so.1'
const skip = !SUITE_IS_ROOT
  ? 'making another root takes root'
  : !existsSync(MUSL_GCC) || BUSYBOX === undefined || !existsSync(LINKER)
    ? 'musl-tools and busybox-static are not installed, or not for x86_64'
    : false

const APPLETS = ['sh', 'cat', 'echo', 'id', 'ls', 'mkdir', 'umount', 'env', 'true', 'sort']

test('jobs run on a musl host, with its programs and without a trace of glibc', { skip }, async () => {
  const folder = muslHost()
  for (const user of ['', '65534']) {
    const { stdout, stderr } = await inside(folder, user, [
      'run',
      '--waive',
      'limits.memory',
      '--',
      'sh',
      '-c',
      'dynamic; id -u; ls -d /lib64 /opt /usr/lib/libc.so.6 2>&1 | sort',
    ])
    assert.match(stdout, /^linked with musl\n1000\n(ls: .*: No such file or directory\n){3}/, stderr)
  }
})

test('a program of glibc’s does not start there: it is the host’s root that a job sees', {
  skip,
}, async () => {
  const folder = muslHost()
  copyFileSync('/usr/bin/env', join(folder, 'usr/bin/foreign'))
  const { stderr, status } = await inside(folder, '', ['run', '--', 'foreign'])
  assert.equal(status, 127, stderr)
})

test('doctor says that it is musl', { skip }, async () => {
  const { stdout, stderr } = await inside(muslHost(), '', ['doctor'])
  assert.match(stdout, /^note {5}host: On a machine of its own: .*, musl/, stderr)
  assert.match(stdout, /^good {5}boundary process/m)
})

let made: string | null = null

/** Made once: Node alone is a hundred megabytes. */
function muslHost(): string {
  if (made !== null) return made
  const folder = sharedFolder()
  made = folder
  const at = (path: string) => join(folder, path)
  for (const path of [
    'usr/bin',
    'usr/lib',
    'etc',
    'proc',
    'sys',
    'dev',
    'tmp',
    'old',
    'opt/glibc',
    'opt/glovebox',
  ])
    mkdirSync(at(path), { recursive: true })
  symlinkSync('usr/bin', at('bin'))
  symlinkSync('usr/lib', at('lib'))
  writeFileSync(at('etc/alpine-release'), '3.20.0\n')
  copyFileSync(BUSYBOX ?? '', at('usr/bin/busybox'))
  for (const applet of APPLETS) symlinkSync('busybox', at(`usr/bin/${applet}`))
  copyFileSync(LINKER, at('usr/lib/ld-musl-x86_64.so.1'))
  const source = 'int puts(const char *);\nint main(void) { puts("linked with musl"); return 0; }\n'
  execFileSync(MUSL_GCC, ['-x', 'c', '-', '-o', at('usr/bin/dynamic')], { input: source })
  for (const program of [process.execPath, '/usr/bin/bwrap', '/usr/bin/setpriv'])
    for (const path of [program, ...librariesOf(program)])
      copyFileSync(path, at(`opt/glibc/${basename(path)}`))
  writeFileSync(at('usr/bin/bwrap'), `#!/bin/sh\nexec ${withLibraries('/usr/bin/bwrap').join(' ')} "$@"\n`, {
    mode: 0o755,
  })
  return folder
}

function withLibraries(program: string): string[] {
  const linker = `/opt/glibc/${basename(linkerOf(program))}`
  return [linker, '--library-path', '/opt/glibc', `/opt/glibc/${basename(program)}`]
}

/** Not chroot: the kernel gives no user namespace to a process in one. */
function inside(folder: string, uid: string, args: readonly string[]) {
  const setup = `cd ${folder}
mount --rbind . . && cd ${folder}
mount --rbind /proc proc && mount --rbind /sys sys && mount --rbind /dev dev && mount -t tmpfs none tmp
for part in bin dist policies package.json node_modules; do
  if test -d ${ROOT}/$part; then mkdir -p opt/glovebox/$part; else touch opt/glovebox/$part; fi
  mount --bind ${ROOT}/$part opt/glovebox/$part
done
pivot_root . old
cd /
umount -l /old`
  const drop =
    uid === ''
      ? []
      : [...withLibraries('/usr/bin/setpriv'), `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups']
  return onChangedHost(setup, [
    ...drop,
    ...withLibraries(process.execPath),
    '/opt/glovebox/bin/glovebox',
    ...args,
  ])
}
