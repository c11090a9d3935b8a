export type { HandedIn } from './inside.js'
export { type CredentialsAsked, JobCredentials } from './job-credentials.js'
export { checkSecrets } from './secrets-given.js'
