/** What a job may use without having it: who receives it, for what, how long, from where. Pure. */
import { credentialLines } from '../../credentials/index.js'
import { pathPatternCovers } from '../../network/index.js'
import type { Plan } from '../../plan/index.js'
import { type CredentialPolicy, hostText, isSourceWithin, isUseWithin } from '../../policy/index.js'
import { formatDuration } from '../../units/index.js'
import { type Gain, type NumberRow, numberGains, type Turn } from './difference.js'

/** What a credential of `now` reaches that the one of its name in `old` does not. */
export function credentialGains(old: Plan, now: Plan): Gain[] {
  return now.credentials.flatMap((credential) => {
    const before = old.credentials.find(({ name }) => name === credential.name)
    return before === undefined
      ? [appeared(credential, now.lifetime.deadlineMs)]
      : grown(before, credential, old.lifetime.deadlineMs, now.lifetime.deadlineMs)
  })
}

/** Another source or use, neither of which holds the other. */
export function credentialTurns(old: Plan, now: Plan): Turn[] {
  return now.credentials.flatMap((after) => {
    const before = old.credentials.find(({ name }) => name === after.name)
    if (before === undefined) return []
    const [was, is] = [credentialLines(before, 1), credentialLines(after, 1)]
    const turn = (what: 'source' | 'use', holds: (a: CredentialPolicy, b: CredentialPolicy) => boolean) =>
      holds(before, after) || holds(after, before)
        ? []
        : [{ part: 'touch', subject: subject(after), what, before: was[what], after: is[what] } as const]
    return [...turn('source', sourceHolds), ...turn('use', useHolds)]
  })
}

const subject = ({ name }: CredentialPolicy) => `credentials.${name}`
const sourceHolds = (outer: CredentialPolicy, inner: CredentialPolicy) =>
  isSourceWithin(inner.source, outer.source)
const useHolds = (outer: CredentialPolicy, inner: CredentialPolicy) => isUseWithin(inner.use, outer.use)

function appeared(credential: CredentialPolicy, deadlineMs: number): Gain {
  const { receives, use, life } = credentialLines(credential, deadlineMs)
  const what = `sent to ${receives}: ${use}; ${life}`
  return { part: 'touch', subject: subject(credential), what, grown: false, had: null, has: what }
}

function grown(before: CredentialPolicy, after: CredentialPolicy, hadMs: number, hasMs: number): Gain[] {
  const [was, is] = [credentialLines(before, hadMs), credentialLines(after, hasMs)]
  const gain = (what: string, had: string, has: string): Gain => ({
    part: 'touch',
    subject: subject(after),
    what,
    grown: true,
    had,
    has,
  })
  const hosts = after.hosts.map(hostText).filter((host) => !before.hosts.map(hostText).includes(host))
  const methods = beyond(before.methods, after.methods, (mine, most) => mine === most)
  const paths = beyond(before.paths, after.paths, (mine, most) => pathPatternCovers(most, mine))
  const rows: NumberRow[] = [
    [`${subject(after)}.ttl`, before.ttlMs, after.ttlMs, formatDuration],
    [`${subject(after)}.uses`, before.uses, after.uses, String],
  ]
  return [
    ...(hosts.length === 0 ? [] : [gain(hosts.join(', '), was.receives, is.receives)]),
    ...(methods === null ? [] : [gain(`with ${methods}`, was.receives, is.receives)]),
    ...(paths === null ? [] : [gain(`at ${paths}`, was.receives, is.receives)]),
    ...(sourceHolds(after, before) && !sourceHolds(before, after)
      ? [gain('source', was.source, is.source)]
      : []),
    ...(useHolds(after, before) && !useHolds(before, after) ? [gain('use', was.use, is.use)] : []),
    ...(before.onReflection === 'cut' && after.onReflection === 'redact'
      ? [gain('onReflection', was.reflection, is.reflection)]
      : []),
    ...numberGains('touch', rows),
  ]
}

/** What of the one list nothing of the other covers; `null`: nothing. */
function beyond(
  old: readonly string[] | null,
  now: readonly string[] | null,
  covers: (mine: string, most: string) => boolean,
): string | null {
  if (old === null) return null
  if (now === null) return 'any'
  const more = now.filter((each) => !old.some((most) => covers(each, most)))
  return more.length === 0 ? null : more.join(', ')
}
