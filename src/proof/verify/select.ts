/** `--only`: which probes are meant. Pure. */
import { UsageError, visible } from '../../errors/index.js'
import { REQUIREMENT_IDS } from '../../plan/index.js'
import { nearest } from '../../spelling/index.js'
import { type Probe, UNPROBED } from '../probes/index.js'

/**
 * The probes whose id, or whose claim's, begins with any of `wanted`.
 * @throws UsageError when one of them means nothing
 */
export function selected(probes: readonly Probe[], wanted: readonly string[]): Probe[] {
  for (const word of wanted) refuseUnknown(probes, word)
  return probes.filter((probe) => wanted.some((word) => isMeant(probe, word)))
}

const isMeant = ({ id, claim }: Probe, word: string) => id.startsWith(word) || claim.startsWith(word)

function refuseUnknown(probes: readonly Probe[], word: string): void {
  if (word !== '' && probes.some((probe) => isMeant(probe, word))) return
  const claims: readonly string[] = REQUIREMENT_IDS
  const ids = [...claims, ...probes.map(({ id }) => id)]
  if (word !== '' && claims.some((id) => id.startsWith(word))) throw unprobed(word)
  const near = nearest(word, ids)
  const families = [...new Set(ids.map((id) => id.slice(0, id.indexOf('.'))))].sort()
  throw new UsageError(
    'verify.only',
    `--only ${JSON.stringify(visible(word))}: no claim or probe begins with that.`,
    `${near === null ? '' : `Did you mean ${near}? `}There are ${families.join(', ')}; \`glovebox verify --list\` shows each.`,
  )
}

function unprobed(word: string): UsageError {
  const [id] = REQUIREMENT_IDS.filter((each) => each.startsWith(word))
  const why = (id === undefined ? undefined : UNPROBED[id]) ?? 'this version of Glovebox has no probe for it'
  return new UsageError(
    'verify.only',
    `--only ${JSON.stringify(visible(word))}: that can't be tried: ${why}.`,
    '`glovebox verify --list` shows what can.',
  )
}
