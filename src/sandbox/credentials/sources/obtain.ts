import { type Material, pairFault, readAwsKeys, readPair, readValue } from '../../../credentials/index.js'
import type { CredentialPolicy } from '../../../policy/index.js'
import { assumeRole, type Whose } from './assume-role.js'
import { checked, exchange } from './exchange.js'
import type { FileStamp } from './file.js'
import { given } from './plain.js'
import type { SourceWorld } from './world.js'

/** A value, ready to be handed to the gateway. */
export interface Obtained {
  readonly name: string
  readonly material: Material
  /** ms from now; `null`: not known */
  readonly livesMs: number | null
  /** revokes it upstream, where its protocol can; says whether it did, and never throws */
  readonly revoke: (() => Promise<boolean>) | null
  /** of a file: which it was, with which contents; `null`: it is from elsewhere */
  readonly stamp: FileStamp | null
}

/**
 * Gets the value of one credential from its source.
 * @throws CredentialError in a sentence that never holds a value: the job does not start
 */
export async function obtain(
  { name, source, use }: Pick<CredentialPolicy, 'name' | 'source' | 'use'>,
  whose: Whose,
  world: SourceWorld,
): Promise<Obtained> {
  const until = (at: number | null) => (at === null ? null : at - world.now())
  const isPair = use.kind === 'basic' && use.user === null
  if (source.kind === 'assumeRole') {
    const keys = await assumeRole(name, source, whose, world)
    return {
      name,
      material: { kind: 'aws', keys },
      livesMs: until(keys.expiresAt),
      revoke: null,
      stamp: null,
    }
  }
  if (source.kind === 'exchange') {
    const { value, expiresAt, revoke } = await exchange(name, source, world)
    const fault = isPair ? pairFault(value, `the exchange at ${new URL(source.endpoint).host}`) : null
    if (fault !== null) await revoke?.()
    checked(fault ?? value)
    return { name, material: { kind: 'value', value }, livesMs: until(expiresAt), revoke, stamp: null }
  }
  const aws = use.kind === 'aws-sigv4'
  const { text, from, stamp = null } = await given(name, source, world, aws)
  if (!aws)
    return {
      name,
      material: { kind: 'value', value: checked((isPair ? readPair : readValue)(name, text, from)) },
      livesMs: null,
      revoke: null,
      stamp,
    }
  const keys = checked(readAwsKeys(name, text, from, world.now()))
  return { name, material: { kind: 'aws', keys }, livesMs: until(keys.expiresAt), revoke: null, stamp }
}

/**
 * All values of a policy, at once; when one can't be had, those that were minted are revoked.
 * @param worldOf each has its own time
 * @throws CredentialError of the first that failed
 */
export async function obtainAll(
  credentials: readonly CredentialPolicy[],
  whose: Whose,
  worldOf: (credential: CredentialPolicy) => SourceWorld,
): Promise<readonly Obtained[]> {
  const settled = await Promise.allSettled(
    credentials.map(async (each) => obtain(each, whose, worldOf(each))),
  )
  const failed = settled.find((each) => each.status === 'rejected')
  const had = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  if (failed === undefined) return had
  await Promise.all(had.map((each) => each.revoke?.()))
  throw failed.reason
}
