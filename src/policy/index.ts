export { type AddressBlock, type AddressBlockAnswer, addressBlock, blockContains } from './address-block.js'
export { isPolicy } from './brand.js'
export { CEILING_PATH, type CeilingOptions } from './ceiling.js'
export { isSourceWithin, isUseWithin } from './ceiling-credentials.js'
export {
  type AssumeRoleSource,
  type CredentialHost,
  type CredentialPolicy,
  type CredentialSource,
  type CredentialUse,
  type ExchangeSource,
  type OnReflection,
  type PlainSource,
  type SwapPlace,
  sessionPolicy,
} from './credential-policy.js'
export { hostText, variablesOf } from './credentials.js'
export { policyDocument } from './document.js'
export { type FlagOptions, type PolicyFlags, policyFromFlags } from './flags.js'
export {
  type AuthorityAnswer,
  canonicalAuthority,
  canonicalHostName,
  canonicalWireName,
  type HostName,
  type HostNameAnswer,
  portNumber,
} from './host-name.js'
export {
  type HostAnswer,
  type HostKind,
  isOfKernel,
  type ResolveHostPath,
  resolveHostPath,
} from './host-path.js'
export { patternText } from './host-pattern.js'
export {
  type ImageReference,
  imageReference,
  type ReferenceAnswer,
  referenceText,
  repositoryText,
} from './image-reference.js'
export { policySchemaJson } from './json-schema.js'
export { type LoadOptions, loadPolicy } from './load.js'
export { type PolicyOptions, parsePolicy } from './parse.js'
export type {
  BoundaryName,
  Grant,
  HostPattern,
  HostRule,
  Limits,
  NetworkBudget,
  NetworkPolicy,
  Policy,
  Protocol,
  PublicRule,
  ReusePolicy,
  Root,
  RuleBudget,
  SyscallLock,
  SyscallProfile,
  WaivableControl,
} from './policy.js'
export { BOUNDARIES, PROTOCOLS, WAIVABLE } from './policy.js'
export { defaultProfilesDir, isProfileName, profileNames } from './profiles.js'
export { rootText } from './root.js'
export type { PolicyDocument } from './schema.js'
export { canonicalSha256, policySha256 } from './sha256.js'
export * as special from './special-addresses.js'
export { wildcardCovers } from './wildcard.js'
