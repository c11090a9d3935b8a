/** From a policy to a session whose sandbox waits for its first command. */
import type { SandboxSource } from '../../boundary/index.js'
import { LaunchError } from '../../errors/index.js'
import type { Plan } from '../../plan/index.js'
import { inTime } from '../../waiting/index.js'
import type { JobNetwork } from '../job-network.js'
import type { Launched, TakenFrom } from '../launched.js'
import type { Run } from '../options.js'
import type { Turn } from '../turn.js'
import { KeptSandbox } from './kept.js'
import { madeFor } from './reuse.js'
import { Session, type SessionRunOptions } from './session.js'

const LAUNCH_MS = 30_000

export interface Starting {
  readonly plan: Plan
  readonly source: SandboxSource
  readonly network: JobNetwork | null
  readonly turn: Turn
  readonly signal: AbortSignal | null
  readonly idleMs: number
  readonly ageMs: number
  readonly nowMs: () => number
  /** a command in the session's sandbox */
  readonly run: (source: SandboxSource, argv: readonly string[], options: SessionRunOptions) => Run
  readonly onEnded: (session: Session) => void
}

/** @throws LaunchError when its sandbox does not come up, BusyError when no more may wait for room */
export async function startSession(starting: Starting): Promise<Session> {
  const { plan, source, network, turn, nowMs, idleMs, ageMs } = starting
  const { reuse } = plan.lifetime
  if (reuse === null) throw new TypeError('a session of a plan that lets no sandbox be used again')
  await comes(starting)
  let session: Session | null = null
  const kept = new KeptSandbox({
    plan,
    reuse,
    launch: () => madeFor(source, plan, network),
    nowMs,
    onOver: () => void session?.noticeOver(),
  })
  try {
    await source.prepare?.(plan)
    await inTime(kept.start(), LAUNCH_MS, () => {
      throw new LaunchError(
        'launch.timeout',
        `No sandbox came up within ${LAUNCH_MS / 1000} s.`,
        'Is the machine out of memory or processes, or the launcher stopped?',
      )
    })
  } catch (error) {
    void kept.end('it did not start').catch(() => {})
    turn.over()
    throw error
  }
  turn.started()
  const own = sourceOf(source, kept)
  const made = new Session({
    plan,
    kept,
    idleMs,
    ageMs,
    start: (argv, options) => starting.run(own, argv, options),
    onEnded: () => {
      turn.over()
      starting.onEnded(made)
    },
  })
  session = made
  const { signal } = starting
  const abort = () => void made.close()
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort, { once: true })
  return made
}

/** A session has a place among those that run, from its start to its end: its commands need none. */
async function comes({ plan, turn, signal }: Starting): Promise<void> {
  if (turn.isNow) return
  let isLate = false
  let stop = () => {}
  const stopped = new Promise<void>((resolve) => {
    stop = resolve
  })
  signal?.addEventListener('abort', stop, { once: true })
  const late = () => {
    isLate = true
    stop()
  }
  if (await turn.comes(stopped, plan.lifetime.deadlineMs, late)) return
  throw new LaunchError(
    'launch.queued',
    isLate
      ? 'The session still waited for its turn at its deadline.'
      : 'The session was cancelled while it waited for its turn.',
    isLate ? 'More sandboxes are asked for than may run at once (concurrency).' : '',
  )
}

function sourceOf(source: SandboxSource, kept: KeptSandbox): TakenFrom {
  return {
    launch: (plan, files, waitsMs) => source.launch(plan, files, waitsMs),
    close: async () => {},
    take: (): Promise<Launched> => kept.take(),
  }
}
