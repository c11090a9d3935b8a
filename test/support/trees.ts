/** Small roots: a static busybox and nothing else, so that no program of the host can be mistaken for one inside. */
import { copyFileSync, existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path))

/** For the `skip` of a test. */
export const NO_BUSYBOX = BUSYBOX === undefined ? 'busybox-static is not installed' : false

const APPLETS = [
  'sh',
  'cat',
  'echo',
  'id',
  'ls',
  'touch',
  'sleep',
  'true',
  'env',
  'stat',
  'rm',
  'mkdir',
  'find',
  'wc',
]

/** `bin/sh` and a few more in `folder`, which is made. */
export function busyboxTree(folder: string): string {
  mkdirSync(join(folder, 'bin'), { recursive: true })
  mkdirSync(join(folder, 'etc'), { recursive: true })
  copyFileSync(BUSYBOX ?? '', join(folder, 'bin/busybox'))
  for (const applet of APPLETS) symlinkSync('busybox', join(folder, 'bin', applet))
  return folder
}
