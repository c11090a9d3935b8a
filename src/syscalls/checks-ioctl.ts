import { KVM_CALLS } from './kvm-calls.js'
import { ALLOW, errno, isOneOf, type Rule } from './rule.js'

/** Terminal calls that put input into, or take over, a terminal which someone else reads. */
const TERMINAL_ATTACKS = [
  0x5412, // TIOCSTI: types into the terminal (CVE-2017-5226, CVE-2023-28339)
  0x541c, // TIOCLINUX: pastes the console's selection (CVE-2023-1523)
  0x541d, // TIOCCONS: takes over console output
  0x541f, // TIOCSSERIAL
  0x5423, // TIOCSETD: loads a line discipline's module (n_hdlc CVE-2017-2636, n_gsm CVE-2023-6546)
  0x5437, // TIOCVHANGUP
  0x5457, // TIOCSLCKTRMIOS
]

/** asm-generic/ioctls.h: all of a terminal's numbers, and FIONREAD, FIONBIO, FIOCLEX … */
const TERMINAL_TYPE = 0x5400

/** Terminal calls that carry a direction and a size, and so lie outside 0x54xx. */
const TERMINAL_SIZED = [
  0x802c542a, // TCGETS2
  0x402c542b, // TCSETS2
  0x402c542c, // TCSETSW2
  0x402c542d, // TCSETSF2
  0x80045430, // TIOCGPTN
  0x40045431, // TIOCSPTLCK
  0x80045432, // TIOCGDEV
  0x80045438, // TIOCGPKT
  0x80045439, // TIOCGPTLCK
]

/** Files: copies that share blocks, holes, flags as lsattr and tar read them, the size of /dev/random's pool. */
const FILES = [
  0x40049409, // FICLONE
  0x4020940d, // FICLONERANGE
  0xc0189436, // FIDEDUPERANGE
  0xc020660b, // FS_IOC_FIEMAP
  0x80086601, // FS_IOC_GETFLAGS
  0x801c581f, // FS_IOC_FSGETXATTR
  0x80045200, // RNDGETENTCNT
]

/** Sockets: what interfaces there are, as Java's and Python's standard libraries ask. Nothing that changes one. */
const SOCKETS = [
  0x8905, // SIOCATMARK
  0x8906, // SIOCGSTAMP
  0x8910, // SIOCGIFNAME
  0x8912, // SIOCGIFCONF
  0x8913, // SIOCGIFFLAGS
  0x8915, // SIOCGIFADDR
  0x8917, // SIOCGIFDSTADDR
  0x8919, // SIOCGIFBRDADDR
  0x891b, // SIOCGIFNETMASK
  0x891d, // SIOCGIFMETRIC
  0x8921, // SIOCGIFMTU
  0x8927, // SIOCGIFHWADDR
  0x8933, // SIOCGIFINDEX
  0x8942, // SIOCGIFTXQLEN
]

/** A virtual machine's monitor takes up the link that it was made, and says frames on it. Making one takes rights that it has not. */
const TAP = [
  0x800454cf, // TUNGETFEATURES
  0x400454ca, // TUNSETIFF
  0x800454d2, // TUNGETIFF
  0x400454d0, // TUNSETOFFLOAD
  0x400454d4, // TUNSETSNDBUF
  0x800454d7, // TUNGETVNETHDRSZ
  0x400454d8, // TUNSETVNETHDRSZ
]

/** What is shown of the host's devices to the monitor of a virtual machine, and no job has. */
export interface DeviceCalls {
  /** its frames are said on a tap */
  readonly tap?: boolean
  /** it runs on the processor */
  readonly kvm?: boolean
}

/**
 * `cmd` is an `unsigned int`: comparing 64 bits lets `TIOCSTI | 1 << 32` through, which the kernel takes for
 * TIOCSTI (CVE-2019-10063 of Flatpak). What is not listed gets ENOTTY, as from any file that doesn't know the
 * number; that keeps file systems' own calls (subvolumes, block swaps, verity, encryption keys) out of reach.
 */
export const ioctlCheck = ({ tap = false, kvm = false }: DeviceCalls): Rule => ({
  clauses: [
    { when: [isOneOf(1, TERMINAL_ATTACKS)], action: errno('EPERM') },
    { when: [isOneOf(1, [TERMINAL_TYPE], 0xffff_ff00)], action: ALLOW },
    { when: [isOneOf(1, [...TERMINAL_SIZED, ...FILES, ...SOCKETS, ...(tap ? TAP : [])])], action: ALLOW },
    ...(kvm ? [{ when: [isOneOf(1, Object.values(KVM_CALLS))], action: ALLOW }] : []),
  ],
  otherwise: errno('ENOTTY'),
})
