/** What a job leaves: for the next one, and on the host. */
import { hasOwnKernel } from '../../boundary/index.js'
import {
  type Attempt,
  type Bench,
  type HostProcess,
  type InsideOptions,
  type Probe,
  type Trial,
  type Tried,
  Untried,
} from './probe.js'
import { attempt } from './refused.js'
import { deadlinePlan, OVERDUE_MS, outputPlan, roomy, SHORT_MS, withPlace } from './scaled.js'

/** What the program waits for before it goes on; it ends nobody. */
const SIGURG = 23

type Mark = readonly [kind: string, mark: string, folder?: string]

const leave = (mark: Mark) => attempt(['leave', ...mark] as Attempt['words'])
const forget = ([kind, mark]: Mark) => attempt(['forget', kind, mark])
const find = (mark: Mark) => attempt(['find', ...mark] as Attempt['words'])

/** Where a sandbox's namespace did not keep them, they are the host's, and taken away again. */
const OBJECTS: readonly string[] = ['shm', 'sem', 'queue']

/** Two jobs, one after the other, by the same launcher. The control's two have namespaces of their own in common. */
function marks(of: (word: string, folders: readonly string[]) => readonly Mark[]): Trial {
  return {
    inside: async (bench) => {
      const all = of(bench.view.word(), bench.plan.files.scratch.places)
      await bench.inside(all.map(leave))
      const { tried } = await bench.inside(all.map(find))
      const left = all.filter(([kind], index) => OBJECTS.includes(kind) && tried[index]?.reached)
      if (left.length > 0) await bench.open(left.map(forget))
      return tried
    },
    control: (bench) => {
      const all = of(bench.view.word(), [bench.decoys.folder])
      return bench.open([...all.map(leave), ...all.map(find)], 'privileged')
    },
  }
}

/** Each kind of ending that a job can bring about, with all that it could leave. */
interface Ending {
  readonly name: string
  /** `ms`: a short time, if time is what ends it */
  readonly plan: (ms: number) => Bench['plan']
  readonly last: Attempt | null
  readonly cancelled?: true
}

function endings({ plan }: Bench): Ending[] {
  const linger = attempt(['stay', 'deaf', '-'])
  return [
    { name: 'exit', plan: () => roomy(plan), last: null },
    { name: 'deadline', plan: (ms) => deadlinePlan(plan, ms), last: linger },
    { name: 'output', plan: () => outputPlan(roomy(plan)), last: attempt(['flood', '1', '2000000']) },
    { name: 'cancelled', plan: () => roomy(plan), last: linger, cancelled: true },
  ]
}

interface Left {
  readonly tried: readonly Tried[]
  readonly seen: readonly Tried[]
}

const told = (what: string, found: readonly string[]): Tried => ({
  attempt: what,
  look: { result: found.length > 0 ? 'ok' : 'ENOENT', detail: found.join(' ') },
  reached: found.length > 0,
})

/** As the list of segments has it: decimal. */
const keyOf = (word: string) => `${Number.parseInt(word.slice(0, 7), 16)}`
const segments = (list: string, word: string) =>
  list.split('\n').filter((line) => line.trim().split(/\s+/)[0] === keyOf(word))

async function leaves(
  bench: Bench,
  ending: Ending,
  [ms, ...longer]: readonly number[] = SHORT_MS,
): Promise<Left> {
  const { view } = bench
  const { name, plan, last, cancelled } = ending
  if (ms === undefined) throw new RangeError('no time to try')
  const word = view.word()
  const { places } = bench.plan.files.scratch
  const attempts = [
    ...places.slice(0, 6).map((place) => leave(['file', word, place])),
    leave(['shm', word]),
    attempt(['leave-daemon', word]),
    attempt(['await', word]),
    ...(last === null ? [] : [last]),
  ]
  const under = withPlace(plan(ms), `/${word}`)
  await bench.ready(under)
  const groups = new Set<string>()
  let mounts: string[] = []
  const cancel = new AbortController()
  let ended = false
  let goOn = () => {}
  const watch = view.until(() => {
    for (const each of view.processesWith(word)) look(each)
    if (mounts.length > 0) goOn()
    if (cancelled === true && mounts.length > 0) cancel.abort()
    return ended
  }, Number.POSITIVE_INFINITY)
  const look = (each: HostProcess) => {
    for (const group of view.cgroupsOf(each)) groups.add(group)
    if (mounts.length === 0) mounts = linesWith(view.read(`/proc/${each.pid}/mountinfo`), word)
  }
  const onStarted: InsideOptions['onStarted'] = (send) => {
    goOn = () => send(SIGURG)
  }
  await bench.inside(attempts, under, { signal: cancel.signal, onStarted }).finally(() => {
    ended = true
  })
  const after = [
    told(
      `${name}: a process`,
      view.processesWith(word).map(({ pid }) => `${pid}`),
    ),
    told(`${name}: a mount`, linesWith(view.read('/proc/self/mountinfo'), word)),
    told(`${name}: a control group`, [...groups].filter(view.exists)),
    told(
      `${name}: a file`,
      hostPlaces(places).filter((place) => view.exists(`${place}/.cache-${word}`)),
    ),
    told(`${name}: a segment`, segments(view.read('/proc/sysvipc/shm'), word)),
  ]
  await watch
  // so busy a machine that it ended before it was seen
  if (mounts.length === 0 && longer.length > 0 && !after.some(({ reached }) => reached))
    return leaves(bench, ending, longer)
  const seen = [told(`${name}: a mount, while it ran`, mounts.slice(0, 1))]
  if (bench.host.cgroups.bases.length > 0)
    seen.push(told(`${name}: a control group, while it ran`, [...groups]))
  return { tried: after, seen }
}

const linesWith = (text: string, word: string) => text.split('\n').filter((line) => line.includes(word))
/** Where a place would be if it were the host's own. */
const hostPlaces = (places: readonly string[]) => [...new Set([...places, '/tmp', '/dev/shm', '/var/tmp'])]

function nothingLeft(): Trial {
  let seen: readonly Tried[] = []
  return {
    inside: async (bench) => {
      const all = await Promise.all(endings(bench).map((ending) => leaves(bench, ending)))
      seen = all.flatMap((each) => each.seen)
      return all.flatMap(({ tried }) => tried)
    },
    control: async (bench) => [...seen, ...(await leavesOpen(bench))],
  }
}

/** A process and a file of the open, and a segment of namespaces that go with who made it. */
async function leavesOpen({ start, open, view, decoys }: Bench): Promise<Tried[]> {
  const word = view.word()
  const child = start(attempt(['leave-daemon', word, 'lifeline']))
  try {
    // who started it has ended by then, and is not taken for it
    const left = () => view.processesWith(word).map(({ pid }) => `${pid}`)
    await view.until(() => child.hasEnded() && left().length > 0, OVERDUE_MS)
    const process = left()
    await open([leave(['file', word, decoys.folder])])
    const file = [decoys.folder].filter((place) => view.exists(`${place}/.cache-${word}`))
    const [, listed] = await open(
      [
        leave(['shm', word]),
        attempt(['read', '/proc/sysvipc/shm'], ({ detail }) => detail.split(/\s+/).includes(keyOf(word))),
      ],
      'privileged',
    )
    const found = [told('open: a process', process), told('open: a file', file)]
    return listed === undefined ? found : [...found, listed]
  } finally {
    await child.end()
    await view.until(() => view.processesWith(word).length === 0, OVERDUE_MS)
  }
}

/** Of two sandboxes at once, as two machines that go on from one could be: what one drew tells what the other draws. */
function drawsAlike(): Trial {
  const same = (of: string, [one, other]: readonly (readonly string[])[]): Tried => {
    const both = (one ?? []).filter((each) => each !== '' && other?.includes(each) === true)
    return {
      attempt: `read the same from ${of} twice`,
      look: { result: both.length > 0 ? 'ok' : 'ENOENT', detail: `${both.length} alike` },
      reached: both.length > 0,
    }
  }
  const details = (tried: readonly Tried[]) =>
    tried.map(({ look }) => (look.result === 'ok' ? look.detail : ''))
  return {
    inside: async ({ inside }) => {
      const draw = async () =>
        details((await inside([attempt(['read', RANDOM]), attempt(['read', RANDOM])])).tried)
      const drawn = await Promise.all([draw(), draw()])
      // else it would hold because nothing was drawn
      if (drawn.flat().includes('')) throw new Untried(`${RANDOM} could not be read there`)
      return [same(RANDOM, drawn)]
    },
    control: async ({ open, decoys }) => {
      const read = async () => details(await open([attempt(['read', decoys.file])]))
      return [same('a file', [await read(), await read()])]
    },
  }
}

/** Another of each who asks, made of the kernel's random numbers. */
const RANDOM = '/proc/sys/kernel/random/uuid'

const tenant = (id: string, tries: string, trial: Probe['trial']): Probe => ({
  id: `next.${id}`,
  claim: 'lifetime.single-use',
  threat: 'next-tenant',
  tries,
  trial,
})

export const leftoverProbes: readonly Probe[] = [
  tenant('files', 'leave a file for the next job, in each place that it may write to', () =>
    marks((word, folders) => folders.slice(0, 12).map((folder) => ['file', word, folder])),
  ),
  tenant('objects', 'leave a segment, a semaphore or a message queue for the next job', () =>
    marks((word) => OBJECTS.map((kind): Mark => [kind, word])),
  ),
  tenant('keys', 'leave a key for the next job in the keyring of its user', () =>
    marks((word) => [['key', word]]),
  ),
  tenant('randomness', 'draw the random numbers that another sandbox draws', ({ plan }) =>
    hasOwnKernel(plan.boundary)
      ? { pointless: 'a sentry is a process of this host, and draws from its kernel' }
      : drawsAlike(),
  ),
  {
    id: 'left.anything',
    claim: 'lifetime.nothing-left',
    threat: 'outliving',
    tries: 'leave a process, a mount, a control group, a file or a segment on the host, by each ending',
    trial: nothingLeft,
  },
]
