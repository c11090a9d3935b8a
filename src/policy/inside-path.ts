import { isWithin, pathFault, tidy } from './paths.js'

/** A canonical path, or what is wrong with it and what to write. */
export type PathAnswer = { readonly path: string } | { readonly what: string; readonly advice: string }

/** The kernel's own folders, and the one that holds sockets and lock files: nothing may be placed there. */
const KERNEL = ['/proc', '/sys', '/dev', '/run']
/** Shown from the root, read-only: a place for a grant can't be made below them. */
const ROOT = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/etc']
/** Private scratch of the sandbox: a grant may lie in it, not replace it. */
const SCRATCH = '/tmp'
/** A symbolic link to it, below which nothing can be placed. */
const SCRATCH_LINK = '/var/tmp'

/** Canonical form of a path inside the sandbox: absolute, no `.`, `..` or `//`. */
export function insidePath(written: string): PathAnswer {
  const fault = pathFault(written)
  if (fault !== null) return { what: fault, advice: 'Write a path inside the sandbox such as /in.' }
  if (!written.startsWith('/'))
    return { what: 'is not an absolute path inside the sandbox.', advice: 'Write one such as /in.' }
  if (written.split('/').includes('..'))
    return { what: 'contains "..".', advice: 'Write the path without it.' }
  return { path: tidy(written) }
}

/** A place inside where a grant can be shown. */
export function grantTarget(written: string): PathAnswer {
  const answer = insidePath(written)
  if (!('path' in answer)) return answer
  const { path } = answer
  const system = systemFolder(path)
  if (system !== null)
    return { ...system, advice: `${system.advice}Choose a place such as HOST:/in/${leaf(path)}.` }
  if (path === SCRATCH)
    return {
      what: "is the sandbox's own scratch folder.",
      advice: `Choose a place in it, such as ${path}/in.`,
    }
  return behindLink(path) ?? answer
}

/** A place inside where the command can start. */
export function workdirPath(written: string): PathAnswer {
  const answer = insidePath(written)
  if (!('path' in answer)) return answer
  const system = systemFolder(answer.path)
  if (system !== null) return { what: system.what, advice: 'Write one such as /job.' }
  return behindLink(answer.path) ?? answer
}

function behindLink(path: string): { what: string; advice: string } | null {
  if (!isWithin(path, SCRATCH_LINK)) return null
  const real = path === SCRATCH_LINK ? `${SCRATCH}/in` : `${SCRATCH}${path.slice(SCRATCH_LINK.length)}`
  return { what: 'leads through /var/tmp, which is a link to /tmp.', advice: `Write ${real}.` }
}

function systemFolder(path: string): { what: string; advice: string } | null {
  if (path === '/') return { what: "is the sandbox's whole root.", advice: '' }
  const kernel = KERNEL.find((folder) => isWithin(path, folder))
  if (kernel !== undefined) return { what: `lies in ${kernel}, which belongs to the sandbox.`, advice: '' }
  const root = ROOT.find((folder) => isWithin(path, folder))
  if (root === undefined) return null
  const shown = root === '/etc' ? '' : `root: host shows ${root} already. `
  return { what: `lies in ${root}, which the sandbox's root holds read-only.`, advice: shown }
}

function leaf(path: string): string {
  return path.split('/').at(-1) || 'NAME'
}
