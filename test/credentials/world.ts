import type { SourceWorld } from '../../src/sandbox/credentials/sources/index.js'

export function world(more: Partial<SourceWorld> = {}): SourceWorld {
  return {
    env: {},
    secrets: {},
    now: Date.now,
    fetch: globalThis.fetch,
    signal: AbortSignal.timeout(60_000),
    ...more,
  }
}

export const WHOSE = { sandbox: 'box-1', tenant: 'acme' }
