/** Whether what a sandbox was shown of the host, when it was made, is still what stands there. */
import { readFileSync, statSync } from 'node:fs'
import { SHOWN_ETC } from '../../boundary/index.js'
import type { Plan } from '../../plan/index.js'

/** Of every place that the plan shows: which file it is, and what is mounted at it and below. Equal texts: the same. */
export function shownNow({ files: { read, live, root } }: Pick<Plan, 'files'>): string {
  const granted = [...read, ...live].map(({ host }) => host)
  if (root.kind === 'dir') granted.push(root.path)
  const places = [...granted, ...(root.kind === 'host' ? SHOWN_ETC : [])]
  return [...places.map(fileAt), ...(granted.length === 0 ? [] : mountsBelow(granted))].join('\n')
}

/** What can't be looked at is like nothing that waits: whoever starts a sandbox hears why. */
function fileAt(path: string): string {
  try {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false })
    return found === undefined ? '-' : `${found.dev}:${found.ino}`
  } catch (error) {
    return `${(error as NodeJS.ErrnoException).code} ${process.hrtime.bigint()}`
  }
}

/** proc_pid_mountinfo(5): the mount's number, and as its fifth field where it is, with octal escapes. */
function mountsBelow(places: readonly string[]): string[] {
  const escaped = places.map((place) =>
    place.replace(/[\s\\]/g, (each) => `\\${each.charCodeAt(0).toString(8).padStart(3, '0')}`),
  )
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => {
      const point = line.split(' ')[4] ?? ''
      return escaped.some((place) => point === place || point.startsWith(`${place}/`))
    })
}
