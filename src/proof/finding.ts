export interface Finding {
  readonly name: string
  readonly status: 'good' | 'missing' | 'note'
  readonly what: string
  /** the command or change that gets it; empty when nothing is needed */
  readonly get: string
}
