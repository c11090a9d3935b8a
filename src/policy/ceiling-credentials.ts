import { formatDuration } from '../units/index.js'
import type { Excess } from './ceiling-network.js'
import type { CredentialPolicy, CredentialSource, CredentialUse } from './credential-policy.js'
import { hostText } from './credentials.js'

/** Every credential of the policy that the ceiling's of the same name does not hold; absent in the ceiling: denied. */
export function credentialsAbove(
  policy: readonly CredentialPolicy[],
  ceiling: readonly CredentialPolicy[],
): Excess[] {
  return policy.flatMap((mine) => {
    const path = ['credentials', mine.name]
    const most = ceiling.find(({ name }) => name === mine.name)
    if (most === undefined) {
      const names = ceiling.length === 0 ? 'none' : ceiling.map(({ name }) => name).join(', ')
      return [{ path, what: `a credential above the ceiling, which has ${names}`, advice: 'Remove it.' }]
    }
    return above(mine, most).map(({ key, what, advice }) => ({
      path: [...path, key],
      what: `${what} above the ceiling`,
      advice,
    }))
  })
}

interface Above {
  readonly key: string
  readonly what: string
  readonly advice: string
}

function above(mine: CredentialPolicy, most: CredentialPolicy): Above[] {
  const found: Above[] = []
  const list = (key: string, own: readonly string[] | null, bound: readonly string[] | null) => {
    if (bound === null || own?.every((each) => bound.includes(each))) return
    found.push({
      key,
      what: `${own === null ? 'any' : own.join(', ')} is`,
      advice: `Write ${key} of ${bound.join(', ')}.`,
    })
  }
  if (!isSourceWithin(mine.source, most.source))
    found.push({
      key: 'source',
      what: 'is another source or a wider one, which is',
      advice: 'Write the same.',
    })
  list('hosts', mine.hosts.map(hostText), most.hosts.map(hostText))
  if (!isUseWithin(mine.use, most.use))
    found.push({ key: 'use', what: 'is another use or a wider one, which is', advice: 'Write the same.' })
  list('methods', mine.methods, most.methods)
  list('paths', mine.paths, most.paths)
  if (most.ttlMs !== null && (mine.ttlMs ?? Number.POSITIVE_INFINITY) > most.ttlMs) {
    const what = `${mine.ttlMs === null ? 'the life of the sandbox' : formatDuration(mine.ttlMs)} is`
    found.push({ key: 'ttl', what, advice: `Write ${formatDuration(most.ttlMs)} or less.` })
  }
  if (most.uses !== null && (mine.uses ?? Number.POSITIVE_INFINITY) > most.uses)
    found.push({
      key: 'uses',
      what: `${mine.uses ?? 'any number'} is`,
      advice: `Write ${most.uses} or less.`,
    })
  if (most.onReflection === 'cut' && mine.onReflection !== 'cut')
    found.push({ key: 'onReflection', what: 'redact is', advice: 'Write cut.' })
  return found
}

/** The same source; of `assumeRole`, the same or fewer actions and resources, and no longer. */
export function isSourceWithin(mine: CredentialSource, most: CredentialSource): boolean {
  if (mine.kind !== 'assumeRole' || most.kind !== 'assumeRole') return same(mine, most)
  const within = (own: readonly string[], bound: readonly string[]) =>
    own.every((each) => bound.includes(each))
  const rest = { actions: [], resources: [], durationMs: 0 }
  return (
    within(mine.actions, most.actions) &&
    within(mine.resources, most.resources) &&
    mine.durationMs <= most.durationMs &&
    same({ ...mine, ...rest }, { ...most, ...rest })
  )
}

export function isUseWithin(mine: CredentialUse, most: CredentialUse): boolean {
  if (mine.kind === 'placeholder' && most.kind === 'placeholder')
    return mine.in.every((place) => most.in.includes(place))
  if (mine.kind === 'aws-sigv4' && most.kind === 'aws-sigv4')
    return (
      same({ ...mine, presigned: false }, { ...most, presigned: false }) &&
      (most.presigned || !mine.presigned)
    )
  return same(mine, most)
}

/** Both were made by the same code, so their keys stand in the same order. */
function same(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
