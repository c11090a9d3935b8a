export type { HandedIn } from './inside.js'
export { type CredentialsAsked, JobCredentials } from './job-credentials.js'
export { KnownValues } from './known-values.js'
export { checkSecrets } from './secrets-given.js'
