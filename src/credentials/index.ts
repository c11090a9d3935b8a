export { type Attached, type Attaching, attach } from './attach.js'
export { ChunkSigner } from './aws/chunks.js'
export type { HeadSigner, SignedHead } from './aws/resign.js'
export { ALGORITHM, amzDate, type SigningKeys, sha256, sign, type ToSign } from './aws/sign.js'
export { type AssumeRoleRequest, assumeRoleBody, readStsAnswer, type StsAnswer } from './aws/sts.js'
export { Gathered } from './gathered.js'
export {
  type CredentialGrant,
  type Held,
  HeldCredentials,
  type Issue,
  type Material,
  placeholderVariables,
  secretTexts,
  type Watched,
  whose,
} from './held.js'
export { LEASE_ENDS, Lease, type LeaseEnd, type LeaseState, type LeaseTerms } from './lease.js'
export { makePlaceholder, PLACEHOLDER_LENGTH, PLACEHOLDER_PREFIX, placeholdersIn } from './placeholder.js'
export { Redactor, redacted } from './redact.js'
export type { RequestHead } from './request.js'
export { type BodyPiece, RequestBodyGuard } from './request-body.js'
export { credentialRequirements } from './requirements.js'
export {
  type Coding,
  type GuardedHead,
  guardFields,
  guardResponse,
  reflection,
  talks,
  UnpackError,
  unpacked,
} from './responses.js'
export { type Guarded, StreamGuard } from './scan/guard.js'
export type { Hit } from './scan/layer.js'
export { Needles, Scanner } from './scan/scanner.js'
export { type Pattern, wrappingsOf } from './scan/wrappings.js'
export { Secret } from './secret.js'
export { type CredentialLines, credentialLines, credentialWarnings, unreadWarnings } from './sentences.js'
export { BodySwap } from './uses.js'
export { type AwsKeys, type BadValue, pairFault, readAwsKeys, readPair, readValue } from './value.js'
export { type CredentialDenial, type CredentialVerdict, ended } from './verdicts.js'
