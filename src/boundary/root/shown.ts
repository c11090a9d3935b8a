/** What of the host's files a sandbox is shown where it has no root of its own, and what of the kernel's is covered. */
import { TRUST } from '../../network/index.js'

/** Configuration that programs need, without names, users or secrets of this machine. Shown where it exists. */
export const SHOWN_ETC = [
  '/etc/ImageMagick-6',
  '/etc/ImageMagick-7',
  '/etc/alternatives',
  '/etc/fonts',
  '/etc/ghostscript',
  '/etc/java-11-openjdk',
  '/etc/java-17-openjdk',
  '/etc/java-21-openjdk',
  '/etc/java-25-openjdk',
  '/etc/ld.so.cache',
  '/etc/libreoffice',
  '/etc/localtime',
  '/etc/magic',
  '/etc/mime.types',
  '/etc/papersize',
  '/etc/pki/ca-trust/extracted',
  '/etc/pki/tls/certs',
  '/etc/ssl/certs',
  '/etc/ssl/openssl.cnf',
] as const

/** Readable by everyone and about the host, not the job. */
export const MASKED_PROC_FILES = [
  '/proc/bootconfig',
  '/proc/cmdline',
  '/proc/config.gz',
  '/proc/diskstats',
  '/proc/interrupts',
  '/proc/kallsyms',
  '/proc/kcore',
  '/proc/key-users',
  '/proc/keys',
  '/proc/latency_stats',
  // locks that belong to a file and not to a process (F_OFD_SETLK) are shown to every pid namespace
  '/proc/locks',
  '/proc/modules',
  '/proc/partitions',
  '/proc/sched_debug',
  '/proc/softirqs',
  '/proc/swaps',
  '/proc/sys/kernel/random/boot_id',
  '/proc/timer_list',
] as const

export const MASKED_PROC_FOLDERS = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/bus',
  '/proc/driver',
  '/proc/fs',
  '/proc/irq',
  // anyone may write a trigger there, which the kernel then polls for
  '/proc/pressure',
  '/proc/scsi',
  '/proc/sys/fs/binfmt_misc',
] as const

/**
 * Where programs look for authorities without being told, and what they find there where TLS is looked into. Only plain files of the host:
 * what leads there by a link leads to one of these.
 */
export const COVERED_BUNDLES: Readonly<Record<string, string>> = {
  '/etc/ssl/certs/ca-certificates.crt': TRUST.bundle,
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem': TRUST.bundle,
  '/etc/pki/tls/certs/ca-bundle.crt': TRUST.bundle,
  '/etc/ssl/certs/java/cacerts': TRUST.java,
  '/etc/pki/ca-trust/extracted/java/cacerts': TRUST.java,
}
