/** Staying: past the deadline, in silence, without a supervisor. */
import type { Plan } from '../../plan/index.js'
import { byEngineAlone } from './derive.js'
import type { Attempt, Bench, HostProcess, Probe, Trial, Tried } from './probe.js'
import { attempt } from './refused.js'
import { deadlinePlan, findable, OVERDUE_MS, roomy, SHORT_MS, silencePlan } from './scaled.js'

/** How a process won't end, see `native/probe/stay.c`. */
type Way = 'deaf' | 'daemon' | 'stopped' | 'busy' | 'closed'

const lingering = (way: Way, word: string): Attempt => attempt(['stay', way, word])
/** In the open it ends with this program. */
const lingeringOpen = (way: Way, word: string): Attempt => attempt(['stay', way, word, 'lifeline'])

interface Ends {
  readonly reason: 'deadline' | 'noOutput'
  readonly scaled: (plan: Plan, ms: number) => Plan
}

/** Each way in a sandbox of its own, all at once. A command that goes on for too long is cancelled. */
function ends({ reason, scaled }: Ends, ways: readonly Way[]): Trial {
  let seen: Tried[] = []
  return {
    inside: async (bench) => {
      const all = await Promise.all(ways.map((way) => stays(bench, way, { reason, scaled })))
      seen = all.map(({ wasSeen }) => wasSeen)
      return all.map(({ tried }) => tried)
    },
    // what was never seen to live proves nothing by being gone
    control: async (bench) => [...seen, ...(await Promise.all(ways.map((way) => livesOn(bench, way))))],
  }
}

async function stays(
  bench: Bench,
  way: Way,
  { reason, scaled }: Ends,
  [ms, ...longer]: readonly number[] = SHORT_MS,
): Promise<{ tried: Tried; wasSeen: Tried }> {
  const { view } = bench
  const word = view.word()
  if (ms === undefined) throw new RangeError('no time to try')
  let ended = false
  let wasThere = false
  const plan = findable(scaled(bench.plan, ms), word)
  await bench.ready(plan)
  const cut = new AbortController()
  let overdue: NodeJS.Timeout | undefined
  const running = bench
    .inside([lingering(way, word)], plan, {
      signal: cut.signal,
      // not from before its start, which on a full machine takes longer than the rest
      onStarted: () => {
        overdue = setTimeout(() => cut.abort(), ms + OVERDUE_MS)
      },
    })
    .finally(() => {
      ended = true
      clearTimeout(overdue)
    })
  const looking = view.until(() => {
    wasThere ||= !ended && view.processesWith(word).length > 0
    return wasThere || ended
  }, Number.POSITIVE_INFINITY)
  const [{ run }] = await Promise.all([running, looking])
  const left = view.processesWith(word)
  const told = run.outcome.verdict.reason
  const reached = told !== reason || left.length > 0
  await goneOrKilled(view, word)
  // so busy a machine that it ended before it was seen
  if (!wasThere && !reached && longer.length > 0) return stays(bench, way, { reason, scaled }, longer)
  const look = { result: reached ? 'ok' : 'ended', detail: `reason ${told}, ${left.length} processes left` }
  return { tried: { attempt: `linger ${way}`, look, reached }, wasSeen: sawIt(way, wasThere) }
}

const sawIt = (way: Way, reached: boolean): Tried => ({
  attempt: `see the process that lingers (${way}) from the host`,
  look: { result: reached ? 'ok' : 'ENOENT', detail: '' },
  reached,
})

/** SIGTERM and all that time do nothing to it. */
async function livesOn({ start, view }: Bench, way: Way): Promise<Tried> {
  const word = view.word()
  const child = start(lingeringOpen(way, word))
  try {
    const others = () => view.processesWith(word).filter(({ pid }) => pid !== child.pid)
    await view.until(() => areDeaf(view, others()), OVERDUE_MS)
    for (const { pid } of others()) tell(pid, 'SIGTERM')
    await view.after(SHORT_MS[0])
    const { length } = others()
    const look = { result: length > 0 ? 'ok' : 'ended', detail: `${length} processes` }
    return { attempt: `linger ${way}`, look, reached: length > 0 }
  } finally {
    await child.end()
    await goneOrKilled(view, word)
  }
}

const SIGTERM_BIT = 1n << 14n

/** From then on nothing but SIGKILL ends them; before, they were only on their way. */
function areDeaf({ read }: Bench['view'], processes: readonly HostProcess[]): boolean {
  const blocked = processes.map(
    ({ pid }) => /^SigBlk:\s+([0-9a-f]+)$/m.exec(read(`/proc/${pid}/status`))?.[1],
  )
  return blocked.length > 0 && blocked.every((mask) => (BigInt(`0x${mask ?? '0'}`) & SIGTERM_BIT) !== 0n)
}

function tell(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal)
  } catch {
    // it is gone
  }
}

/** Ours alone: nothing else has the word in its arguments. */
async function goneOrKilled(view: Bench['view'], word: string): Promise<void> {
  if (await view.until(() => view.processesWith(word).length === 0, 3_000)) return
  for (const { pid } of view.processesWith(word)) tell(pid, 'SIGKILL')
}

/** Killed once the first sandbox's program runs; of the others, each is then at another step of its start. */
function outlives(sandboxes: number): Trial {
  let seen: Tried[] = []
  return {
    inside: async (bench) => {
      const { view } = bench
      const word = view.word()
      const plan = findable(roomy(bench.plan), word)
      await bench.ready(plan)
      const supervisor = await bench.supervise(lingering('deaf', word), plan, sandboxes)
      let before: HostProcess[] = []
      try {
        await supervisor.launching
        const ran = await view.until(() => view.processesWith(word).length > 0, OVERDUE_MS)
        before = supervisor.family()
        // an engine's containers descend from nobody here
        seen = [sawIt('deaf', ran && before.length > (byEngineAlone(bench) ? 0 : 2))]
      } finally {
        await supervisor.kill()
      }
      const alive = () => [...before.filter(view.isAlive), ...view.processesWith(word)]
      await view.until(() => alive().length === 0, OVERDUE_MS)
      const left = alive().length
      await goneOrKilled(view, word)
      const look = { result: left > 0 ? 'ok' : 'ended', detail: `${left} of ${before.length} processes left` }
      return [{ attempt: 'outlive the supervisor', look, reached: left > 0 }]
    },
    control: async (bench) => [...seen, await outlivesOpen(bench)],
  }
}

/** Whoever started it is killed; a second process of the open holds the lifeline. */
async function outlivesOpen({ start, view }: Bench): Promise<Tried> {
  const word = view.word()
  const child = start(attempt(['stay', 'daemon', word, 'lifeline']))
  try {
    const others = () => view.processesWith(word).filter(({ pid }) => pid !== child.pid)
    await view.until(() => areDeaf(view, others()), OVERDUE_MS)
    tell(child.pid, 'SIGKILL')
    await view.after(300)
    const { length } = others()
    const look = { result: length > 0 ? 'ok' : 'ended', detail: `${length} processes` }
    return { attempt: 'outlive who started it', look, reached: length > 0 }
  } finally {
    await child.end()
    await goneOrKilled(view, word)
  }
}

const DEADLINE: Ends = { reason: 'deadline', scaled: deadlinePlan }
const SILENCE: Ends = { reason: 'noOutput', scaled: silencePlan }

export const lifetimeProbes: readonly Probe[] = [
  {
    id: 'deadline.deaf',
    claim: 'lifetime.deadline',
    threat: 'staying-alive',
    tries: 'stay past the deadline, deaf to every signal',
    trial: () => ends(DEADLINE, ['deaf']),
  },
  {
    id: 'deadline.daemon',
    claim: 'lifetime.deadline',
    threat: 'staying-alive',
    tries: 'stay past the deadline as a daemon of a session of its own',
    trial: () => ends(DEADLINE, ['daemon']),
  },
  {
    id: 'deadline.stopped',
    claim: 'lifetime.deadline',
    threat: 'staying-alive',
    tries: 'stay past the deadline stopped, with all that it could stop, or busy',
    trial: () => ends(DEADLINE, ['stopped', 'busy']),
  },
  {
    id: 'silence.stay',
    claim: 'lifetime.no-output',
    threat: 'staying-alive',
    tries: 'stay silent, with outputs open or closed',
    trial: () => ends(SILENCE, ['deaf', 'closed']),
  },
  {
    id: 'supervisor.killed',
    claim: 'lifetime.bound-to-supervisor',
    threat: 'outliving',
    tries: 'outlive a supervisor that is killed while the job runs',
    trial: () => outlives(1),
  },
  {
    id: 'supervisor.killed-in-start',
    claim: 'lifetime.bound-to-supervisor',
    threat: 'outliving',
    tries: 'outlive a supervisor that is killed during the start',
    trial: () => outlives(6),
  },
]
