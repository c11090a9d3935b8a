/** What every boundary shows of a host and covers, in Docker's terms. Pure. */
import type { HostFacts } from '../../host/index.js'
import { inspects } from '../../network/index.js'
import type { Plan } from '../../plan/index.js'
import { COVERED_BUNDLES, MASKED_PROC_FILES, MASKED_PROC_FOLDERS, SHOWN_ETC } from '../root/shown.js'
import type { RootKnowledge } from './root.js'

export const MASKED_PROC: readonly string[] = [...MASKED_PROC_FILES, ...MASKED_PROC_FOLDERS]

/** `files`: where each of the sandbox's own lies on the host, by its name in /etc. */
export function knowledgeOf(
  plan: Pick<Plan, 'files' | 'network'>,
  { paths }: Pick<HostFacts, 'paths'>,
  files: Readonly<Record<string, string>>,
): RootKnowledge {
  const tree = plan.files.root.kind !== 'host'
  const covered = inspects(plan.network)
    ? Object.entries(COVERED_BUNDLES).filter(([path]) => tree || paths[path] === 'file')
    : []
  const own = [
    ...Object.entries(files).map(([name, source]) => [`/etc/${name}`, source] as const),
    ...covered.flatMap(([path, name]) => {
      const source = files[name]
      return source === undefined ? [] : [[path, source] as const]
    }),
  ]
  return { shownEtc: SHOWN_ETC, own: Object.fromEntries(own) }
}
