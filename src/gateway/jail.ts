/** The gateway's own jail, in bubblewrap's words. Pure; golden-tested. */

/** What of the host's facts it depends on. */
export interface JailFacts {
  /** `/lib`, `/lib64` …: where the link leads, or `directory` */
  readonly topLevel: Readonly<Record<string, string>>
  /** which of {@link LIBRARIES} there are */
  readonly libraries: readonly string[]
  /** absolute path of Node's program */
  readonly node: string
}

/** Where Node's program finds its libraries. */
export const LIBRARIES = ['/usr/lib', '/usr/lib32', '/usr/lib64', '/usr/libx32', '/etc/ld.so.cache'] as const

/** Descriptors that the supervisor hands to bubblewrap; 3 is the channel, the only one that Node gets. */
export const JAIL_FDS = { channel: 3, filter: 4, loader: 5, script: 6, cache: 7 } as const

/** Inside, where nothing else is. */
const NODE = '/node'
const LOADER = '/gateway/start.cjs'

/**
 * Bounds the memory that the gateway's JavaScript may have, MiB. Buffers come on top: they are bounded by the connections at
 * once, of which each holds at most a few chunks.
 */
export const HEAP_MIB = 256

export function jailWords(facts: JailFacts, cached: boolean): string[] {
  return [
    ...[
      '--unshare-user',
      '--disable-userns',
      '--unshare-pid',
      '--unshare-ipc',
      '--unshare-uts',
      '--unshare-cgroup',
    ],
    // not the network: the gateway is what has one
    ...['--hostname', 'gateway', '--cap-drop', 'ALL', '--new-session', '--as-pid-1', '--die-with-parent'],
    ...['--seccomp', `${JAIL_FDS.filter}`],
    ...rootWords(facts),
    // as data: the folder that it lies in may be closed to the uid that the gateway runs under
    ...[
      '--ro-bind-data',
      `${JAIL_FDS.loader}`,
      LOADER,
      '--ro-bind-data',
      `${JAIL_FDS.script}`,
      '/gateway/main.cjs',
    ],
    ...(cached ? ['--ro-bind-data', `${JAIL_FDS.cache}`, '/gateway/main.cache'] : []),
    ...['--remount-ro', '/', '--chdir', '/'],
    ...['--', NODE, ...NODE_FLAGS, LOADER],
  ]
}

const NODE_FLAGS = [
  `--max-old-space-size=${HEAP_MIB}`,
  // from the start as large as it would become, MiB: what lives as long as one connection is then mostly dead when V8 looks
  '--min-semi-space-size=16',
  '--max-semi-space-size=16',
  // nothing that was read becomes code
  '--disallow-code-generation-from-strings',
  '--disable-proto=delete',
  '--no-addons',
]

/** No /proc, no /dev, no /etc but the linker's cache: Node's program, and the libraries that it is linked with. */
function rootWords({ topLevel, libraries, node }: JailFacts): string[] {
  const words = libraries.flatMap((path) => ['--ro-bind', path, path])
  for (const [path, kind] of Object.entries(topLevel).filter(([name]) => name.startsWith('/lib')))
    words.push(...(kind.startsWith('link:') ? ['--symlink', kind.slice(5), path] : ['--ro-bind', path, path]))
  return [...words, '--ro-bind', node, NODE]
}
