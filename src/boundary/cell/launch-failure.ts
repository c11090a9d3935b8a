/** Why a sandbox could not start, and what to do. */
export interface LaunchFailure {
  readonly what: string
  readonly get: string
}
