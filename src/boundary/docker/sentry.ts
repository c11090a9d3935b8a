/**
 * What an engine's runsc made of a container, seen on this host: an engine's configuration says how it was to be started, its processes
 * how it was. They are the sentry, which is the container's first process to the engine, and the gofer beside it.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { LaunchError, visible } from '../../errors/index.js'
import { refusedWords } from '../runsc-words.js'

/** What an engine's shim says besides, of files of its own. */
const SHIMS_WORDS = /^--(?:root|log|log-format|log-fd)=/

export interface Sentry {
  /** as this host numbers it */
  readonly gofer: number
}

/** What /proc tells of a process; empty: it is gone, or not this user's to see. */
export interface Seen {
  readonly words: readonly string[]
  readonly status: string
  /** its user namespace, and this process's; empty: not this user's to see */
  readonly users: string
  readonly ownUsers: string
}

/** @throws LaunchError when it is none, or one that was started otherwise than Glovebox knows */
export function requireSentry(pid: number, container: string): Sentry {
  const fault = sentryFault(seen(pid), container)
  if (fault !== null) throw wrong(fault)
  const gofer = goferOf(pid, container)
  if (gofer === null) throw wrong('has no gofer beside it')
  return { gofer }
}

/** `null`: it is a sentry as it should be. Pure. */
export function sentryFault({ words, status, users, ownUsers }: Seen, container: string): string | null {
  const [name, ...rest] = words
  const boot = rest.indexOf('boot')
  if (name !== 'runsc-sandbox' || boot < 0 || rest.at(-1) !== container) return 'is not started by runsc'
  const [refused] = refusedWords(rest.slice(0, boot).filter((word) => !SHIMS_WORDS.test(word)))
  if (refused !== undefined) return `is started with ${visible(refused)}`
  if (!/^Seccomp:\t2$/m.test(status)) return 'has no filter for its own system calls'
  if (!/^NoNewPrivs:\t1$/m.test(status)) return 'could gain privileges'
  if (/^Uid:.*\t0\b/m.test(status)) return 'is root'
  if (users !== '' && users === ownUsers) return 'has no user namespace of its own'
  return null
}

/** Of a start that failed runsc leaves its processes, and containerd the shim, which nobody asks for any more. As root alone. */
export function endLeftovers(container: string): void {
  for (const pid of pids()) {
    const [name = '', ...rest] = wordsOf(pid)
    const isOurs = /^runsc-(?:sandbox|gofer)$|\/?containerd-shim/.test(name) && rest.includes(container)
    const isGofer = name === 'runsc-gofer' && rest.some((word) => word.endsWith(`/${container}`))
    if (isOurs || isGofer) kill(pid)
  }
}

function goferOf(sentry: number, container: string): number | null {
  const parent = parentOf(sentry)
  const found = pids().find((pid) => {
    const [name, ...rest] = wordsOf(pid)
    return (
      name === 'runsc-gofer' &&
      parentOf(pid) === parent &&
      rest.some((word) => word.endsWith(`/${container}`))
    )
  })
  return found ?? null
}

function seen(pid: number): Seen {
  return {
    words: wordsOf(pid),
    status: read(`/proc/${pid}/status`),
    users: linkOf(`/proc/${pid}/ns/user`),
    ownUsers: linkOf('/proc/self/ns/user'),
  }
}

const pids = () =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)

const wordsOf = (pid: number) => read(`/proc/${pid}/cmdline`).split('\0').slice(0, -1)

const parentOf = (pid: number) => /^PPid:\t(\d+)$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? ''

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

/** That one may be gone meanwhile. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {}
}

const wrong = (what: string) =>
  new LaunchError(
    'launch.failed',
    `What the Docker Engine's runtime runsc started ${what}.`,
    '`docker info` and /etc/docker/daemon.json say how runsc is started; docs/docker.md has the words that fit.',
  )
