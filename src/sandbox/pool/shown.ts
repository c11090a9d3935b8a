/** Whether what a sandbox was shown of the host, when it was made, is still what stands there. */
import { statSync } from 'node:fs'
import type { Plan } from '../../plan/index.js'

/** Of every place that the plan names: which file it is. Equal texts: the same files. */
export function shownNow({ files: { read, live, root } }: Pick<Plan, 'files'>): string {
  const places = [...read, ...live].map(({ host }) => host)
  if (root.kind === 'dir') places.push(root.path)
  return places.map(fileAt).join(' ')
}

function fileAt(path: string): string {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found === undefined ? '-' : `${found.dev}:${found.ino}`
}
