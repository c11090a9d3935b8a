/** The words of gVisor's runsc that somebody else writes: which of them leave a sandbox whole. Pure. */

/** The last release that Debian 12 had; the first with systrap is of 2023. */
const OLD_RELEASE = 2023_06_01

/** Releases are named by their day: `release-20240729.0`, Debian's `0.0~20240729.0`. */
export function isSystrapRelease(version: string | null): boolean {
  return releaseOf(version) >= OLD_RELEASE
}

export const releaseOf = (version: string | null): number => Number(/\d{8}/.exec(version ?? '')?.[0] ?? 0)

/**
 * Each word that is known to take nothing away, with its values. All others are refused, known or not: `--network=host`, `--host-uds`,
 * `--overlay2=…`, `--net-raw`, `--nvproxy`, `--allow-flag-override`, `--debug-log`, `--profile`, `--TESTONLY-…`
 */
const HARMLESS: Readonly<Record<string, readonly string[]>> = {
  network: ['sandbox', 'none'],
  platform: ['systrap', 'ptrace', 'kvm'],
  'file-access': ['exclusive', 'shared'],
  'file-access-mounts': ['shared'],
  overlay: ['false'],
  overlay2: ['none'],
  directfs: ['false'],
  'host-uds': ['none'],
  'fsgofer-host-uds': ['false'],
  'host-fifo': ['none'],
  'ignore-cgroups': ['false'],
  'systemd-cgroup': ['true', 'false'],
  'net-raw': ['false'],
  'oci-seccomp': ['false'],
  debug: ['false'],
  strace: ['false'],
}

/** In the order in which they are said; only `--name=value` can be read without knowing every flag's kind. */
export function refusedWords(args: readonly string[]): string[] {
  return args.filter((word) => {
    const [, name = '', value = ''] = /^--?([a-z0-9-]+)=([a-z]+)$/.exec(word) ?? []
    return !(Object.hasOwn(HARMLESS, name) && HARMLESS[name]?.includes(value))
  })
}

/** Newer releases open files in the sentry itself, and put a file with what was changed beside the root, unless told otherwise. */
export function missingWords(args: readonly string[], version: string | null): string[] {
  if (!isSystrapRelease(version)) return []
  return ['--directfs=false', '--overlay2=none'].filter(
    (word) => !args.some((each) => each.replace(/^--?/, '--') === word),
  )
}

/** Whether it gives a sandbox no network, whatever namespace it is started in. */
export const isWithoutNetwork = (args: readonly string[]): boolean =>
  args
    .filter((word) => /^--?network=/.test(word))
    .at(-1)
    ?.endsWith('=none') === true
