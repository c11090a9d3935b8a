import type { KnownEscape } from './escape.js'

const RUNC = 'https://github.com/opencontainers/runc/security/advisories'

const NOTHING_RUNS_YET =
  'nothing of the job runs before its root is complete, and no two containers share a mount in which another is made'
const NO_EXEC = 'no second process is ever started in a container (no `runc exec`), and none has a capability'
const FOLDERS_OF_THE_IMAGE =
  'the image is made by Glovebox, compared byte for byte, and has these as folders; what a root has there is not shown'

export const RUNC_ESCAPES: readonly KnownEscape[] = [
  {
    id: 'CVE-2026-41579',
    program: 'runc',
    allows: 'limited writing to the host’s file system',
    needs: 'an image whose /dev is a link',
    affected: [
      { from: null, fixed: '1.3.6' },
      { from: '1.4.0-rc.1', fixed: '1.4.3' },
      { from: '1.5.0-rc.1', fixed: '1.5.0-rc.3' },
    ],
    mended: {},
    shutOut: {
      runc: '/dev is a folder of the sandbox’s own, laid over whatever a root has there',
      docker: FOLDERS_OF_THE_IMAGE,
    },
    advisory: `${RUNC}/GHSA-xjvp-4fhw-gc47`,
  },
  {
    id: 'CVE-2025-31133',
    program: 'runc',
    allows: 'writing to the host’s /proc, by a masked path that becomes a mount of something else',
    needs: 'an attacker who replaces the container’s /dev/null while its root is made',
    affected: november2025(null),
    mended: {},
    shutOut: { runc: NOTHING_RUNS_YET, docker: NOTHING_RUNS_YET },
    advisory: `${RUNC}/GHSA-9493-h29p-rfm2`,
  },
  {
    id: 'CVE-2025-52565',
    program: 'runc',
    allows: 'writing to the host’s /proc, by a /dev/console that becomes a mount of something else',
    needs: 'an attacker who replaces /dev/pts/N while the container’s root is made',
    affected: november2025('1.0.0-rc3'),
    mended: {},
    shutOut: { runc: NOTHING_RUNS_YET, docker: NOTHING_RUNS_YET },
    advisory: `${RUNC}/GHSA-qw9x-cqr3-wc7r`,
  },
  {
    id: 'CVE-2025-52881',
    program: 'runc',
    allows: 'what runc writes to /proc goes elsewhere: labels are not set, or settings of the host are',
    needs: 'an attacker who races the start by a mount that two containers share',
    affected: november2025(null),
    mended: {},
    shutOut: { runc: NOTHING_RUNS_YET, docker: NOTHING_RUNS_YET },
    advisory: `${RUNC}/GHSA-cgrx-mc8f-2prm`,
  },
  {
    id: 'CVE-2024-45310',
    program: 'runc',
    allows: 'empty files and folders made anywhere on the host',
    needs: 'two containers that share a volume, one of which swaps links while the other starts',
    affected: [
      { from: null, fixed: '1.1.14' },
      { from: '1.2.0-rc.1', fixed: '1.2.0-rc.3' },
    ],
    mended: {},
    shutOut: { runc: NOTHING_RUNS_YET, docker: NOTHING_RUNS_YET },
    advisory: `${RUNC}/GHSA-jfvp-7x6p-h2pv`,
  },
  {
    id: 'CVE-2024-21626',
    program: 'runc',
    allows: 'the host’s file system, by a working directory or descriptor that leaked',
    needs: 'a work directory below /proc/self/fd, or a second process in the container',
    affected: [{ from: '1.0.0-rc93', fixed: '1.1.12' }],
    mended: { bookworm: '1.1.5+ds1-1+deb12u1' },
    shutOut: {
      runc: 'the container’s work directory is /, its first process closes every descriptor before the job, and no second one is started',
      docker:
        'the container’s work directory is /, its first process closes every descriptor before the job, and no second one is started',
    },
    advisory: `${RUNC}/GHSA-xr7r-f8xq-vfvv`,
  },
  {
    id: 'CVE-2023-28642',
    program: 'runc',
    allows: 'AppArmor’s and SELinux’s confinement left off',
    needs: 'an image whose /proc is a link',
    affected: [{ from: '1.0.0-rc95', fixed: '1.1.5' }],
    mended: {},
    shutOut: {
      runc: '/proc is a folder of the sandbox’s own, laid over whatever a root has there',
      docker: FOLDERS_OF_THE_IMAGE,
    },
    advisory: `${RUNC}/GHSA-g2j6-57v7-gm8c`,
  },
  {
    id: 'CVE-2023-27561',
    program: 'runc',
    allows: 'more privileges, by /proc and /sys that are not what runc takes them for',
    needs: 'two containers with volumes made for it, and an image to run',
    affected: [{ from: '1.0.0-rc95', fixed: '1.1.5' }],
    mended: {},
    shutOut: {
      runc: '/proc and /sys are folders of the sandbox’s own, laid over whatever a root has there',
      docker: FOLDERS_OF_THE_IMAGE,
    },
    advisory: 'https://github.com/advisories/GHSA-vpvm-3wq2-2wvm',
  },
  {
    id: 'CVE-2023-25809',
    program: 'runc',
    allows: 'writing to cgroups of the user who started it',
    needs: 'runc without root, and a container without a cgroup namespace',
    affected: [{ from: null, fixed: '1.1.5' }],
    mended: {},
    shutOut: {
      runc: 'every container has a cgroup namespace, and no cgroup file system',
      docker: 'an engine without root is not used',
    },
    advisory: `${RUNC}/GHSA-m8cg-xc2p-r3fc`,
  },
  {
    id: 'CVE-2022-29162',
    program: 'runc',
    allows: 'capabilities that programs inherit',
    needs: '`runc exec --cap`',
    affected: [{ from: null, fixed: '1.1.2' }],
    mended: {},
    shutOut: { runc: NO_EXEC, docker: NO_EXEC },
    advisory: `${RUNC}/GHSA-f3fp-gc8g-vw66`,
  },
  {
    id: 'CVE-2021-30465',
    program: 'runc',
    allows: 'the host’s file system mounted in the container',
    needs: 'two containers that share a volume, one of which swaps links while the other’s mounts are made',
    affected: [{ from: null, fixed: '1.0.0-rc95' }],
    mended: {},
    shutOut: { runc: NOTHING_RUNS_YET, docker: NOTHING_RUNS_YET },
    advisory: 'https://github.com/advisories/GHSA-c3xm-pvg7-gh7r',
  },
  {
    id: 'CVE-2019-5736',
    program: 'runc',
    allows: 'the host’s runc overwritten, and with that root on the host',
    needs: 'root in the container, and a program of the attacker’s that runc executes',
    affected: [{ from: null, fixed: '1.0.0-rc7' }],
    mended: {},
    shutOut: {
      runc: 'the job is not root in the container, and what runc executes there is the first process’s own program',
      docker:
        'the job is not root in the container, and what runc executes there is the first process’s own program',
    },
    advisory: 'https://github.com/advisories/GHSA-gxmr-w5mj-v8hh',
  },
]

/** The three of November 2025 were mended together. */
function november2025(from: string | null): KnownEscape['affected'] {
  return [
    { from, fixed: '1.2.8' },
    { from: '1.3.0-rc.1', fixed: '1.3.3' },
    { from: '1.4.0-rc.1', fixed: '1.4.0-rc.3' },
  ]
}
