import { ALLOW, allowUnless, errno, hasAny, isOneOf, type Rule } from './rule.js'

/** S_ISUID | S_ISGID. `umode_t` is 16 bits wide, so the low half holds all that the kernel sees. */
const SETID_BITS = 0o6000

/** O_CREAT, and the bit that tells O_TMPFILE from O_DIRECTORY; the same on x86_64 and arm64. */
const CREATES = 0o100 | 0o20000000

const S_IFMT = 0o170000
/** mknod(2): no type means a regular file */
const PLAIN_TYPES = [0, 0o100000 /* S_IFREG */, 0o010000 /* S_IFIFO */, 0o140000 /* S_IFSOCK */]

/** RENAME_WHITEOUT of include/uapi/linux/fs.h */
const RENAME_WHITEOUT = 4

const F_SETLEASE = 1024
const F_NOTIFY = 1026

const MAP_HUGETLB = 0x40000
const MFD_HUGETLB = 4
const SHM_HUGETLB = 0o4000

/** The index of the mode among the arguments. */
type ModeAt = 1 | 2 | 3

/**
 * A setuid file left in a writable grant would run as its owner on the host, where nothing of the sandbox holds
 * (`nosuid` inside doesn't keep the bit from being stored). openat2 carries its mode in memory, so the profile
 * doesn't offer it.
 */
function noSetid(mode: ModeAt): Rule {
  return allowUnless(errno('EPERM'), hasAny(mode, SETID_BITS))
}

/** open's mode is whatever lies in the register unless a file may be made, so it counts only then. */
function noSetidWhenCreating(flags: 1 | 2, mode: 2 | 3): Rule {
  return allowUnless(errno('EPERM'), hasAny(flags, CREATES), hasAny(mode, SETID_BITS))
}

/**
 * Plain files, fifos and sockets. Character device 0:0, which overlayfs reads as "deleted", needs no privilege
 * since Linux 5.8, and the others would only need a kernel that forgets to ask.
 */
function plainNode(mode: 1 | 2): Rule {
  return {
    clauses: [
      { when: [hasAny(mode, SETID_BITS)], action: errno('EPERM') },
      { when: [isOneOf(mode, PLAIN_TYPES, S_IFMT)], action: ALLOW },
    ],
    otherwise: errno('EPERM'),
  }
}

/** Huge pages come from a pool of the host's that memory limits don't count; ENOMEM is what an empty pool says. */
function noHugePages(flags: 2 | 3, bit: number): Rule {
  return allowUnless(errno('ENOMEM'), hasAny(flags, bit))
}

export const FILE_CHECKS: Readonly<Record<string, Rule>> = {
  chmod: noSetid(1),
  fchmod: noSetid(1),
  fchmodat: noSetid(2),
  mkdir: noSetid(1),
  mkdirat: noSetid(2),
  creat: noSetid(1),
  open: noSetidWhenCreating(1, 2),
  openat: noSetidWhenCreating(2, 3),
  mknod: plainNode(1),
  mknodat: plainNode(2),
  // the same whiteout device by another door
  renameat2: allowUnless(errno('EPERM'), hasAny(4, RENAME_WHITEOUT)),
  // a lease makes the host's own open of the file wait, up to lease-break-time (45 s), for the job to let go; F_NOTIFY is
  // inotify's forerunner, and tells which of the host's programs start
  fcntl: allowUnless(errno('EPERM'), isOneOf(1, [F_SETLEASE, F_NOTIFY])),
  mmap: noHugePages(3, MAP_HUGETLB),
  // EINVAL, as of a kernel that has no such flag: Chromium asks with every bit set whether the call exists, and aborts on any
  // answer but EINVAL, ENOSYS and EPERM
  memfd_create: allowUnless(errno('EINVAL'), hasAny(1, MFD_HUGETLB)),
  shmget: noHugePages(2, SHM_HUGETLB),
}
