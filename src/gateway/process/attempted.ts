import type { Target } from '../../network/index.js'

/** What a job tries: the part of a record that is known before anything is decided. */
export interface Attempted {
  readonly protocol: 'dns' | 'tcp' | 'tls' | 'http' | 'https'
  readonly target: Target
  readonly port: number | null
  readonly method?: string
  readonly path?: string
}
