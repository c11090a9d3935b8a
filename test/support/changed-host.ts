/**
 * This host with something of it changed, for one command: in a mount namespace of that command's own, so that nobody else sees it and nothing
 * is left. Only root makes one; what is started in it may be another user.
 */
import { existsSync } from 'node:fs'
import type { TestUser } from './users.js'
import { SUITE_IS_ROOT } from './users.js'

/** Why there can be none; `false`: there can. */
export const NO_CHANGED_HOST: string | false =
  (!SUITE_IS_ROOT && 'only root makes a mount namespace in which the host is another') ||
  (!existsSync('/usr/bin/unshare') && 'unshare (util-linux) is not installed')

/** Shell words, as root, before the command: a folder of the host's in which what is changed is seen by the command alone. */
export const writable = (folder: string): string => `
  over=$(mktemp -d) && mount -t tmpfs -o mode=0755 changed "$over" && mkdir "$over/upper" "$over/work"
  mount -t overlay -o "lowerdir=${folder},upperdir=$over/upper,workdir=$over/work" changed ${folder}
  umount -l "$over" && rmdir "$over"`

/** … as `/dev/kvm` a character device of these numbers, which everybody may open, or only who is in this group. */
export const kvmDevice = (major: number, minor: number, group: number | null = null): string => `
  over=$(mktemp -d) && mount -t tmpfs -o mode=0755 changed "$over" && mknod -m 0666 "$over/kvm" c ${major} ${minor}
  ${group === null ? '' : `chgrp ${group} "$over/kvm" && chmod 0660 "$over/kvm"`}
  if [ ! -e /dev/kvm ]; then
    mkdir "$over/dev"
    for each in null zero full random urandom tty net fuse pts shm; do
      [ -e /dev/$each ] || continue
      if [ -d /dev/$each ]; then mkdir "$over/dev/$each"; else : > "$over/dev/$each"; fi
      mount --rbind /dev/$each "$over/dev/$each"
    done
    ln -s pts/ptmx "$over/dev/ptmx" && ln -s /proc/self/fd "$over/dev/fd" && : > "$over/dev/kvm"
    mount --rbind "$over/dev" /dev
  fi
  mount --bind "$over/kvm" /dev/kvm
  umount -l "$over" && rmdir "$over"`

/** An argv that runs `argv` as the user, on the host after `change`. */
export const onChangedHost = (user: TestUser, change: string, argv: readonly string[]): string[] => [
  ...['/usr/bin/unshare', '--mount', '--propagation', 'private', '/bin/sh', '-c'],
  ...[`set -e\n${change}\nexec "$@"`, 'sh', ...user.as(argv)],
]
