/** What a caller without types may have misspelled: a limit that nobody reads would hold nothing. Pure. */
import { UsageError } from '../errors/index.js'
import { nearest } from '../spelling/index.js'
import type { ConcurrencyOptions } from './admission/index.js'
import type { NetworkOptions } from './gateways.js'
import type { RunOptions } from './options.js'
import type { WarmOptions } from './pool/index.js'
import type { ReuseOptions, SessionOptions } from './reuse/index.js'
import type { GloveboxOptions } from './start-options.js'

/** As an object, so that the types hold each list to be whole. */
type All<T> = Readonly<Record<keyof T, true>>

const START: All<GloveboxOptions> = {
  boundary: true,
  network: true,
  warm: true,
  reuse: true,
  concurrency: true,
}
const NETWORK: All<NetworkOptions> = { resolvers: true, hosts: true, authorities: true, gateways: true }
const GATEWAYS = ['shared', 'perTenant']
const WARM: All<WarmOptions> = { most: true, memory: true, idleMs: true }
const REUSE: All<ReuseOptions> = { most: true, idleMs: true }
const CONCURRENCY: All<ConcurrencyOptions> = {
  sandboxes: true,
  starts: true,
  perTenant: true,
  perTenantCpus: true,
  memory: true,
  queue: true,
}
const SESSION: All<SessionOptions> = { tenant: true, runs: true, ageMs: true, idleMs: true, signal: true }
const RUN: All<RunOptions> = {
  inputs: true,
  outputs: true,
  stdin: true,
  tty: true,
  signal: true,
  secrets: true,
  tenant: true,
  buffer: true,
  onPreparing: true,
  onLaunched: true,
  onStarted: true,
}

/** Of `Glovebox.start`. @throws UsageError */
export function requireStartOptions(options: GloveboxOptions): void {
  requireKnown('Glovebox.start', options, START)
  const { network, warm, reuse, concurrency } = options
  requireKnown('network', network ?? {}, NETWORK)
  if (typeof warm !== 'boolean') requireKnown('warm', warm ?? {}, WARM)
  requireKnown('reuse', reuse ?? {}, REUSE)
  requireKnown('concurrency', concurrency ?? {}, CONCURRENCY)
  const { gateways = 'shared' } = network ?? {}
  if (!GATEWAYS.includes(gateways))
    throw new UsageError(
      'options.value',
      `network.gateways is ${JSON.stringify(gateways)}.`,
      `Write ${GATEWAYS.join(' or ')}.`,
    )
}

/** @throws UsageError */
export const requireRunOptions = (options: RunOptions): void => requireKnown('run', options, RUN)

/** @throws UsageError */
export const requireSessionOptions = (options: SessionOptions): void =>
  requireKnown('session', options, SESSION)

function requireKnown(what: string, options: object, names: object): void {
  const all = `The options here are ${Object.keys(names).join(', ')}.`
  if (options === null || typeof options !== 'object')
    throw new UsageError('options.object', `The options of ${what} are ${options}, not an object.`, all)
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue
    const near = nearest(name, Object.keys(names))
    throw new UsageError(
      'options.unknown',
      `${what} has no option ${JSON.stringify(name)}.`,
      near === null ? all : `Did you mean \`${near}\`?`,
    )
  }
}
