/** The profile that each filter of a sandbox is made from, be it compiled by us or by a container runtime. */
import { PolicyError } from '../errors/index.js'
import { type Adjustment, adjust, adjustmentProblems } from './adjust.js'
import { type Gated, isGated, keeperProfile } from './gate.js'
import { lacking } from './parts.js'
import { computeProfile } from './profile-compute.js'
import { defaultProfile, type ProfileOptions } from './profile-default.js'
import type { Profile } from './rule.js'
import type { Arch } from './table.js'

export interface FilterOptions extends Adjustment, ProfileOptions, Gated {
  readonly arch: Arch
  /** the job writes to folders of the host, where what it makes stays */
  readonly hostWrites?: boolean
}

/**
 * What the job may do.
 * @throws PolicyError when `deny` or `allow` names what doesn't exist or what can't be changed
 */
export function jobProfile(options: FilterOptions): Profile {
  return lacking(adjustedProfile(options), options.missing ?? [])
}

/**
 * What all of a sandbox lives under.
 * @throws PolicyError as {@link jobProfile} does
 */
export function firstProfile(options: FilterOptions): Profile {
  return isGated(options) ? firstProfileBehindGate(options) : jobProfile(options)
}

/** What all of a sandbox lives under when the job's own filter is set later; what the policy denies is for that one. */
export function firstProfileBehindGate({
  allow,
  missing = [],
}: Pick<FilterOptions, 'allow' | 'missing'>): Profile {
  return lacking(adjust(keeperProfile(), { deny: [], allow }), missing)
}

/**
 * The job's profile with all its parts.
 * @throws PolicyError as {@link jobProfile} does
 */
export function adjustedProfile(options: FilterOptions): Profile {
  const [problem, ...more] = adjustmentProblems(options, options)
  if (problem) throw new PolicyError([problem, ...more])
  return adjust(profileOf(options), options)
}

/** Before the policy's own names. */
export function profileOf(options: FilterOptions): Profile {
  return options.profile === 'compute' ? computeProfile(options) : defaultProfile(options)
}
