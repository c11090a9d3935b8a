/** What images take sandboxes for: skopeo, which reads what a registry says, umoci, which unpacks, and mkfs.erofs, which makes disks. */
import { execFile } from 'node:child_process'
import { existsSync, statfsSync } from 'node:fs'
import { promisify } from 'node:util'
import { boundaryNamed, erofsLack, type InputFile } from '../../boundary/index.js'
import { ImageError, PolicyError } from '../../errors/index.js'
import type { HostFacts } from '../../host/index.js'
import { type DiskWork, type Fetch, full, type PullWork } from '../../images/index.js'
import type { Plan } from '../../plan/index.js'
import { type Policy, parsePolicy, WAIVABLE } from '../../policy/index.js'
import { type PlanRun, PlanRunner, type PlanRunOptions } from '../plan-runner.js'
import { planFor, requireEnforceable } from '../planner.js'
import { complaint, fetchError } from './complaint.js'

/** Neither is taken from the caller's PATH: it reads what the caller's own registry login is for. */
const PROGRAMS = { skopeo: '/usr/bin/skopeo', umoci: '/usr/bin/umoci' } as const
export type ImageProgram = keyof typeof PROGRAMS

/** Of the two, those that are not here. */
export function missingPrograms(): ImageProgram[] {
  return (Object.keys(PROGRAMS) as ImageProgram[]).filter((name) => !existsSync(PROGRAMS[name]))
}

function requireProgram(name: ImageProgram): string {
  if (existsSync(PROGRAMS[name])) return PROGRAMS[name]
  throw new ImageError(
    'image.programMissing',
    `${PROGRAMS[name]} is not installed.`,
    `\`apt-get install ${name}\` gets it on Debian and Ubuntu.`,
  )
}

/** An organisation's ceiling is about jobs; this is a part of Glovebox. */
const NO_CEILING = { path: '/nonexistent.invalid/ceiling.yaml' }
const DEADLINE = '2h'
const MIB = 1024 ** 2
const LEAST_SCRATCH = 64 * MIB
/** What else a network carries besides layers: questions, answers, and what is asked for twice. */
const CHATTER = 64 * MIB

/**
 * Not compressed: reading costs an emulated machine less than unpacking does. One time, one id, one owner, no attributes (a store's
 * trees have none), so that the bytes follow from the tree alone: -T -U --all-root -x.
 */
const DISK_FLAGS = ['--quiet', '-x-1', '-T0', '-U', '00000000-0000-0000-0000-000000000000', '--all-root']

export class SandboxWork implements PullWork, DiskWork {
  readonly #host: HostFacts
  readonly #signal: AbortSignal | null

  constructor(host: HostFacts, signal: AbortSignal | null = null) {
    this.#host = host
    this.#signal = signal
  }

  async unpack(
    layout: string,
    into: string,
    name: string,
    most: { readonly bytes: number; readonly files: number },
  ): Promise<void> {
    const umoci = requireProgram('umoci')
    const policy = withFiles(policyFor({}), {
      read: [{ host: layout, inside: '/in' }],
      write: [{ host: into, inside: '/out', live: true }],
    })
    const argv = [umoci, 'raw', 'unpack', '--rootless', '--image', `/in:${name}`, '/out/root'] as const
    const run = await this.#run(policy, argv, { room: { folder: into, bytes: most.bytes }, options: {} })
    if (succeeded(run)) return
    throw complaint('unpacked', run)
  }

  async disk(tree: string, into: string, most: number): Promise<void> {
    const lack = erofsLack(this.#host)
    const { path } = this.#host.machines().mkfsErofs
    if (lack !== null || path === null)
      throw new ImageError('image.programMissing', lack?.what ?? 'There is no mkfs.erofs.', lack?.get ?? '')
    const policy = withFiles(policyFor({}), {
      read: [{ host: tree, inside: '/in' }],
      write: [{ host: into, inside: '/out', live: true }],
    })
    const argv = [path, ...DISK_FLAGS, '/out/root.erofs', '/in'] as const
    const run = await this.#run(policy, argv, { room: { folder: into, bytes: most }, options: {} })
    if (!succeeded(run)) throw complaint('made a disk', run)
  }

  async fetch({ args, files, hosts, into, most }: Fetch): Promise<Buffer> {
    const skopeo = requireProgram('skopeo')
    const allow = hosts.map(({ host, port, private: blocks }) => ({
      host,
      ports: [port],
      protocol: isAddress(host) ? 'tcp' : 'tls',
      ...(blocks.length === 0 ? {} : { private: [...blocks] }),
    }))
    const size = `${Math.ceil((most + CHATTER) / MIB)}MiB`
    const network = { allow, maxDownload: size, timeouts: { idle: '5m' } }
    const bare = reachable({ network, env: { HOME: '/job', TMPDIR: into === null ? '/tmp' : '/out' } })
    const write = into === null ? [] : [{ host: into, inside: '/out', live: true }]
    const policy = withFiles(bare, { read: [], write })
    const inputs = Object.entries(files).map(
      ([name, content]): InputFile => ({
        path: `/job/${name}`,
        mode: 0o600,
        content: [content],
      }),
    )
    const [command = '', ...rest] = args
    const argv = [skopeo, '--insecure-policy', command, ...rest] as const
    const room = into === null ? null : { folder: into, bytes: most }
    const run = await this.#run(policy, argv, { room, options: { inputs } })
    if (succeeded(run)) return run.stdout
    throw fetchError(run, hosts)
  }

  async settle(folder: string): Promise<void> {
    await promisify(execFile)('/bin/sync', ['-f', folder], { env: {} })
  }

  async #run(
    policy: Policy,
    argv: readonly [string, ...string[]],
    { room, options }: { readonly room: Room | null; readonly options: PlanRunOptions },
  ): Promise<PlanRun> {
    const plan = planned(policy, this.#host, room?.bytes ?? 0)
    const runner = new PlanRunner(this.#host, plan)
    const watch = room === null ? null : watched(room)
    const signals = [this.#signal, watch?.signal ?? null].filter((each) => each !== null)
    try {
      const run = await runner.run(plan, argv, { ...options, signal: AbortSignal.any(signals) })
      if (watch?.signal.aborted) throw full({ code: 'ENOSPC' })
      if (this.#signal?.aborted)
        throw new ImageError('image.cancelled', 'It was cancelled; nothing was kept.')
      return run
    } finally {
      watch?.stop()
      await runner.close()
    }
  }
}

const isAddress = (host: string) => /^[0-9.]+$|:/.test(host)
const succeeded = ({ outcome: { verdict } }: PlanRun) => verdict.reason === 'exited' && verdict.exitCode === 0

function policyFor(more: object): Policy {
  return parsePolicy(
    {
      version: 1,
      lifetime: { deadline: DEADLINE },
      limits: { memory: '1GiB', processes: 256, openFiles: 1024 },
      ...more,
    },
    { ceiling: NO_CEILING },
  )
}

/** Hosts and blocks are the caller's words. @throws ImageError for those that mean nothing, or are not opened */
function reachable(more: object): Policy {
  try {
    return policyFor(more)
  } catch (error) {
    const [problem] = error instanceof PolicyError ? error.problems : []
    if (problem === undefined) throw error
    const closed = /is a private address/.test(problem.what)
    const advice = closed
      ? 'If it is the registry you mean, open its address: --private ADDRESS/32.'
      : problem.advice
    throw new ImageError('image.badHost', `The registry can't be asked: ${problem.what}`, advice)
  }
}

/** Places in the store, which no policy that anybody writes can name. */
const withFiles = (policy: Policy, files: Policy['files']): Policy => ({ ...policy, files })

/** What this host can't limit is not: unpacking is worth more to its user than the limit. Everything else must hold. */
function planned(policy: Policy, host: HostFacts, bytes: number): Plan {
  const boundary = boundaryNamed('process')
  if (boundary === null) throw new TypeError('there is no process boundary')
  const { claims } = planFor(policy, boundary, host)
  const waive = WAIVABLE.filter((id) =>
    claims.some((claim) => claim.id === id && claim.status === 'impossible'),
  )
  const plan = planFor({ ...policy, waive }, boundary, host)
  requireEnforceable(plan, boundary, host)
  // also the size of the largest file that it may write (RLIMIT_FSIZE)
  const scratch = { ...plan.files.scratch, bytes: Math.max(LEAST_SCRATCH, bytes) }
  return { ...plan, files: { ...plan.files, scratch } }
}

interface Room {
  readonly folder: string
  /** that it was counted to need */
  readonly bytes: number
}

const LOOK_MS = 500
/** What others may write to the disk meanwhile. */
const OTHERS = 1024 * MIB

/** The layers were counted before, so that only a program that was taken over writes more: it is ended then. */
function watched({ folder, bytes }: Room): { readonly signal: AbortSignal; stop(): void } {
  const free = () => {
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize
  }
  const least = free() - 2 * bytes - OTHERS
  const abort = new AbortController()
  const timer = setInterval(() => {
    if (free() < least) abort.abort()
  }, LOOK_MS)
  timer.unref()
  return { signal: abort.signal, stop: () => clearInterval(timer) }
}
