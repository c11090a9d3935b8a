/** Starts the gateway's process, in its jail. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Writable } from 'node:stream'
import { LaunchError } from '../errors/index.js'
import { type HostFacts, OWN_UID_BASE } from '../host/index.js'
import type { InForce } from '../plan/index.js'
import { ARCHES, type Arch, gatewayFilter } from '../syscalls/index.js'
import { type CoreFacts, coreBound } from './core.js'
import { JAIL_FDS, jailWords, LIBRARIES } from './jail.js'

export type GatewayHost = Pick<
  HostFacts,
  'arch' | 'bubblewrap' | 'canTakeUids' | 'topLevel' | 'userNamespacesRefused'
>

export interface StartedProcess {
  readonly child: ChildProcess
  /** in a sentence why a crash may leave a core dump; `null`: it leaves none */
  readonly coreOpen: string | null
}

/** @throws LaunchError when there is nothing to jail it with, or nothing to start: it never runs without its jail */
export function startProcess(host: GatewayHost, leftOff: InForce['leftOff'] = null): StartedProcess {
  const { bubblewrap } = host
  if (bubblewrap === null)
    throw new LaunchError(
      'gateway.unavailable',
      'The gateway runs in bubblewrap, which is not installed.',
      'Install it: `apt-get install bubblewrap`.',
    )
  if (host.userNamespacesRefused !== '')
    throw new LaunchError(
      'gateway.unavailable',
      `The gateway needs a user namespace. ${host.userNamespacesRefused}`,
    )
  const arch = ARCHES.find((each): each is Arch => each === host.arch)
  if (arch === undefined) throw new LaunchError('gateway.unavailable', `There is no filter for ${host.arch}.`)

  const shipped = gatewayFolder(import.meta.dirname)
  const folder = leftOff === null ? shipped : join(leftOff.builds, 'gateway')
  const cache = join(folder, 'main.cache')
  const cached = existsSync(cache)
  const core = coreBound(coreFacts())
  const files = [
    join(shipped, '../../bin/gateway.cjs'),
    join(folder, 'main.cjs'),
    ...(cached ? [cache] : []),
  ].map((file) => openSync(file, 'r'))
  // the supervisor's pid: no worker of a sandbox has it while it lives
  const own = host.canTakeUids ? { uid: OWN_UID_BASE + process.pid, gid: OWN_UID_BASE + process.pid } : {}
  const facts = {
    topLevel: host.topLevel,
    libraries: LIBRARIES.filter((path) => existsSync(path)),
    node: process.execPath,
  }
  try {
    // detached: a terminal's Ctrl-C is for the caller; uid and gid: libuv clears the supplementary groups with them
    const [program = bubblewrap, ...words] = [...core.words, bubblewrap, ...jailWords(facts, cached)]
    const child = spawn(program, words, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc', 'pipe', ...files],
      // only a gateway that was built for it reads what it lacks
      env: {
        GLOVEBOX_OPEN_FILES: openFiles(),
        ...(leftOff === null ? {} : { GLOVEBOX_WITHOUT: leftOff.ids }),
      },
      detached: true,
      cwd: '/',
      ...own,
    })
    const filter = child.stdio[JAIL_FDS.filter] as Writable | null | undefined
    filter?.on('error', () => {}) // a bubblewrap that did not start says so by its end
    filter?.end(gatewayFilter(arch))
    return { child, coreOpen: core.open }
  } finally {
    for (const file of files) closeSync(file)
  }
}

/** The built scripts lie in `gateway/` beside this module's own tree, whether it is bundled or not. */
function gatewayFolder(from: string): string {
  for (let at = from; ; at = dirname(at)) {
    const folder = join(at, 'gateway')
    if (existsSync(join(folder, 'main.cjs'))) return folder
    if (at === dirname(at)) break
  }
  throw new LaunchError(
    'launch.notBuilt',
    'The gateway is not built.',
    'In a checkout, `npm run setup` builds it. A package has it: install it again.',
  )
}

function coreFacts(): CoreFacts {
  const first = (...paths: string[]) => paths.find((path) => existsSync(path)) ?? null
  return {
    prlimit: first('/usr/bin/prlimit', '/bin/prlimit'),
    shell: first('/bin/sh'),
    hardLimit: limitOf('core file size'),
    pattern: readFileSync('/proc/sys/kernel/core_pattern', 'latin1'),
  }
}

/** This process's own hard limit, as the kernel writes it. */
function limitOf(what: string): string {
  const limits = readFileSync('/proc/self/limits', 'latin1')
  return new RegExp(`^Max ${what}\\s+\\S+\\s+(\\S+)`, 'm').exec(limits)?.[1] ?? ''
}

/** How many descriptors it may have: Node raises its own limit as far as this. */
function openFiles(): string {
  const hard = limitOf('open files')
  return hard === 'unlimited' ? '1048576' : hard
}
