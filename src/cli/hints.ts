import { existsSync } from 'node:fs'
import { basename, resolve } from 'node:path'

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
