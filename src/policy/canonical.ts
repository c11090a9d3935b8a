import { parseDuration, parseSize } from '../units/index.js'
import * as bounds from './bounds.js'
import { brand } from './brand.js'
import { checkCredentials, readCredentials } from './credentials.js'
import { checkEnv } from './env.js'
import { compareGrants, type Granted, readGrants } from './grants.js'
import type { ResolveHostPath } from './host-path.js'
import { workdirPath } from './inside-path.js'
import { readNetwork } from './network.js'
import { isWithin } from './paths.js'
import { formatPath, type Written } from './places.js'
import type { Grant, Policy } from './policy.js'
import { Problems } from './problems.js'
import { show } from './quote.js'
import { readReuse } from './reuse.js'
import { checkRootWrites, readRoot } from './root.js'
import type { PolicyDocument } from './schema.js'
import { checkShape } from './shape.js'

/**
 * The one way from what was written to a {@link Policy}: shape, canonical forms, contradictions, defaults.
 * @throws PolicyError with every problem, in document order
 */
export function canonicalPolicy(written: Written, resolve: ResolveHostPath): Policy {
  const problems = new Problems(written.places)
  for (const { place, code, path, what, advice } of written.faults ?? [])
    problems.addAt(place, code, path, what, advice)
  checkShape(written, problems)
  const parts = partsOf(written.value)
  const context = { places: written.places, problems, resolve }
  const read = readGrants('read', parts.files?.read, context)
  const write = readGrants('write', parts.files?.write, context)
  compareGrants([...read, ...write], problems)
  const root = readRoot(parts.root, context)
  checkRootWrites(root, write, problems)
  checkEnv(parts.env, problems)
  const workdir = checkWorkdir(parts.workdir, [...read, ...write], problems)
  checkSyscalls(parts.syscalls, problems)
  const credentials = readCredentials(parts.credentials, { places: written.places, problems })
  const inspected = credentials.flatMap(({ hosts }) => hosts)
  const network = readNetwork(parts.network, written.places, problems, inspected)
  checkSockets(parts, problems)
  checkCredentials(credentials, { env: parts.env, network }, problems)
  problems.throwIfAny()
  return complete(parts as PolicyDocument, { read, write }, workdir, { root, network, credentials })
}

/** Sections that are maps, whatever else is wrong with them: so that one report can name every problem. */
function partsOf(value: unknown): Partial<PolicyDocument> {
  return isMap(value)
    ? Object.fromEntries(
        Object.entries(value).filter(([key, part]) => (SECTIONS.has(key) ? isMap(part) : true)),
      )
    : {}
}

const SECTIONS = new Set(['files', 'env', 'syscalls', 'network', 'credentials'])

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function checkWorkdir(written: unknown, grants: readonly Granted[], problems: Problems): string {
  if (typeof written !== 'string' || problems.within(['workdir'])) return bounds.WORKDIR
  const answer = workdirPath(written)
  if (!('path' in answer)) {
    problems.add('policy.badInsidePath', ['workdir'], `${show(written)} ${answer.what}`, answer.advice)
    return bounds.WORKDIR
  }
  const file = grants.find((grant) => grant.kind === 'file' && isWithin(answer.path, grant.inside))
  if (file !== undefined) {
    const what = `${show(answer.path)} is the file that ${formatPath(file.path)} grants.`
    problems.add('policy.badInsidePath', ['workdir'], what, 'Write a folder.')
  }
  return answer.path
}

function checkSyscalls(syscalls: PolicyDocument['syscalls'], problems: Problems): void {
  const { deny, allow } = syscalls ?? {}
  if (!Array.isArray(deny) || !Array.isArray(allow)) return
  for (const [i, name] of allow.entries()) {
    if (!deny.includes(name) || problems.within(['syscalls', 'allow', i])) continue
    const what = `${show(name)} is both allowed and denied.`
    problems.add('policy.contradiction', ['syscalls', 'allow', i], what, 'Keep one.')
  }
}

/** A network that no socket reaches would be read as a network. */
function checkSockets({ network, syscalls }: Partial<PolicyDocument>, problems: Problems): void {
  if (network === undefined || syscalls?.profile !== 'compute') return
  const what = 'needs sockets, and syscalls.profile: compute has none of any kind.'
  problems.addKey('policy.contradiction', ['network'], what, 'Remove the section, or the profile.')
}

/** Fills in the defaults. Every text was checked: a `null` here would be a fault of the schema. */
function complete(
  document: PolicyDocument,
  grants: { read: readonly Granted[]; write: readonly Granted[] },
  workdir: string,
  { root, network, credentials }: Pick<Policy, 'root' | 'network' | 'credentials'>,
): Policy {
  const { lifetime = {}, limits = {}, syscalls = {} } = document
  return brand({
    version: 1,
    boundary: document.boundary ?? 'process',
    root,
    workdir,
    env: Object.fromEntries(Object.entries(document.env ?? {}).sort(byName)),
    files: {
      read: grants.read.map(bare),
      write: grants.write.map((each) => ({ ...bare(each), live: each.live })),
    },
    network,
    credentials,
    lifetime: {
      deadlineMs: known(parseDuration(lifetime.deadline ?? bounds.DEADLINE.initial)),
      noOutputMs: lifetime.noOutput === undefined ? null : known(parseDuration(lifetime.noOutput)),
      reuse: readReuse(lifetime.reuse),
    },
    limits: {
      memoryBytes: known(parseSize(limits.memory ?? bounds.MEMORY.initial)),
      cpus: limits.cpus ?? bounds.CPUS.initial,
      processes: limits.processes ?? bounds.PROCESSES.initial,
      openFiles: limits.openFiles ?? bounds.OPEN_FILES.initial,
      outputBytes: known(parseSize(limits.output ?? bounds.OUTPUT.initial)),
      scratchBytes: known(parseSize(limits.scratch ?? bounds.SCRATCH.initial)),
    },
    syscalls: {
      profile: syscalls.profile ?? 'default',
      lock: syscalls.lock ?? null,
      deny: unique(syscalls.deny),
      allow: unique(syscalls.allow),
    },
    waive: unique(document.waive),
  })
}

function bare({ host, inside }: Granted): Grant {
  return { host, inside }
}

function byName([a]: [string, string], [b]: [string, string]): number {
  return a < b ? -1 : 1
}

/** Sets have one spelling: sorted, each name once. */
function unique<T extends string>(names: readonly T[] | undefined): T[] {
  return [...new Set(names)].sort()
}

function known(value: number | null): number {
  if (value === null) throw new TypeError('a quantity passed the schema and does not parse')
  return value
}
