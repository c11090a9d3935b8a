import { existsSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { visible } from '../errors/index.js'
import type { NetworkAttempt } from '../report/index.js'

/** What a sandbox shows of the host by itself, or has of its own: a path there is no mistake. */
const INSIDE = /^\/(usr|bin|sbin|lib\w*|etc|dev|proc)(\/|$)/

/**
 * For a job that failed: the first argument that names a file of this host which the sandbox does not have. The commonest
 * mistake is to expect the files of the folder one stands in.
 */
export function missingFileHint(
  argv: readonly string[],
  cwd: string,
  insideNames: readonly string[],
): string | null {
  const has = (path: string) =>
    insideNames.some((name) => path === name || path === `./${name}` || path.startsWith(`${name}/`))
  const named = argv.find((item, index) => {
    if (item === '' || item.startsWith('-') || INSIDE.test(item) || has(item)) return false
    return (index > 0 || item.includes('/')) && existsSync(resolve(cwd, item))
  })
  if (named === undefined) return null
  const file = JSON.stringify(named)
  return `${file} is here, but not in the sandbox: --input copies a file in, --read shows a file or folder.`
}

/** Programs whose work is to start others. */
const STARTERS =
  /^(?:(?:ba|da|k|z)?sh|busybox|env|find|make|nice|nohup|npm|npx|setsid|stdbuf|time|timeout|xargs)$/

/** For a job that failed: a script under a profile that lets no program start another. */
export function starterHint(command: string, profile: string): string | null {
  const name = basename(command)
  if (profile !== 'compute' || !STARTERS.test(name)) return null
  return `${JSON.stringify(name)} starts other programs, and syscalls.profile: compute refuses that ("Function not implemented"). Run the program itself, or write profile: default.`
}

/** Programs that are of no use without a network. */
const NETWORKED = /^(?:curl|dig|ftp|git|host|nc|nslookup|ping|psql|rsync|scp|sftp|ssh|telnet|wget)$/

/** For a job that failed: a program for a network that the sandbox does not have. */
export function networklessHint(command: string): string | null {
  const name = basename(command)
  return NETWORKED.test(name)
    ? `The sandbox has no network. If ${JSON.stringify(name)} needs one: --allow-host HOST, or a policy with a section \`network\`.`
    : null
}

/** For a job that failed: what the gateway refused, the first in full. */
export function refusedAttemptsHint(attempts: readonly NetworkAttempt[]): string | null {
  const refused = attempts.filter(({ verdict }) => verdict !== 'allow')
  const [first] = refused
  if (first === undefined) return null
  const { name, address, port, protocol, verdict, hint } = first
  const where = `${name ?? address ?? 'somewhere'}${port === null ? '' : `, port ${port}`}`
  const more = refused.length === 1 ? '' : ` ${refused.length - 1} more: --report FILE has them all.`
  const advice = hint === undefined ? '' : ` ${sentenceOf(hint)}`
  return visible(`It was refused on the network: ${where} (${protocol}, ${verdict}).${advice}${more}`)
}

const sentenceOf = (hint: string) =>
  `${hint[0]?.toUpperCase() ?? ''}${hint.slice(1)}${/[.!?]$/.test(hint) ? '' : '.'}`
