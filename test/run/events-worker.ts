/** Runs whose events are heard, as whoever starts this; prints what was heard of each. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import {
  type ConcurrencyOptions,
  Glovebox,
  type GloveboxEvent,
  parsePolicy,
  type Run,
} from '../../src/index.js'
import { leaks, makeWorld, VALUE } from './credentials-world.js'
import { launchersOf } from './tools.js'

const waive = process.argv.includes('--waive') ? ['limits.memory'] : []
const KINDS = ['queued', 'started', 'attempt', 'lease', 'limit', 'ended']
const policyOf = (extra: object = {}) => parsePolicy({ version: 1, waive, ...extra })
const PLAIN = policyOf()

/** In one word or a few what it says, besides of which run. */
function inWords(event: GloveboxEvent): string {
  switch (event.kind) {
    case 'attempt':
      return `attempt ${event.protocol} ${event.verdict}`
    case 'lease':
      return `lease ${event.name} ${event.state}${event.by === null ? '' : ` ${event.by}`}`
    case 'limit':
      return `limit ${event.limit} ${event.effect}`
    case 'ended':
      return ['ended', event.reason, event.exitCode ?? event.code].join(' ')
    default:
      return event.kind
  }
}

/** What was heard of each run, in the order in which they were accepted. */
function byRun(events: readonly GloveboxEvent[]): string[][] {
  const runs = new Map<string, string[]>()
  for (const event of events) runs.set(event.id, [...(runs.get(event.id) ?? []), inWords(event)])
  return [...runs.values()]
}

async function heard(
  act: (glovebox: Glovebox) => Promise<unknown>,
  concurrency: ConcurrencyOptions = {},
): Promise<GloveboxEvent[]> {
  const glovebox = await Glovebox.start({ concurrency })
  const events = glovebox.events()
  try {
    await act(glovebox)
  } finally {
    await glovebox.close()
  }
  return read(events)
}

async function read(events: ReturnType<Glovebox['events']>): Promise<GloveboxEvent[]> {
  const all: GloveboxEvent[] = []
  for await (const event of events) if (event.kind !== 'missed') all.push(event)
  return all
}

const settled = (...runs: Run[]) => Promise.allSettled(runs)

/** The channels, while something happens. */
async function onChannels(
  act: () => Promise<unknown>,
  onEvent: (event: GloveboxEvent, channel: string) => void,
): Promise<void> {
  const listener = (event: unknown, name: string | symbol) => onEvent(event as GloveboxEvent, String(name))
  for (const kind of KINDS) subscribe(`glovebox:${kind}`, listener)
  try {
    await act()
  } finally {
    for (const kind of KINDS) unsubscribe(`glovebox:${kind}`, listener)
  }
}

const SCENARIOS: Readonly<Record<string, () => Promise<unknown>>> = {
  'a run': async () =>
    byRun(await heard((box) => box.run(PLAIN, ['sh', '-c', 'exit 3'], { tenant: 'acme' }))),
  'what each event says of its run': async () => {
    let reported = ''
    const events = await heard(async (box) => {
      const { report } = await box.run(PLAIN, ['true'], { tenant: 'acme' })
      reported = JSON.stringify([report.id, report.policySha256, report.usage])
    })
    const [id, policySha256, usage] = JSON.parse(reported)
    return [
      events.every((event) => event.id === id && event.policySha256 === policySha256),
      events.every(({ tenant, boundary }) => tenant === 'acme' && boundary === 'process'),
      events.every(({ at }, index) => at >= (events[index - 1]?.at ?? '')),
      events.flatMap((event) => (event.kind === 'ended' ? [JSON.stringify(event.usage)] : [])),
      [JSON.stringify(usage)],
    ]
  },
  'refused by a full queue, cancelled in it, late in it': async () =>
    byRun(
      await heard(
        async (box) => {
          const short = policyOf({ lifetime: { deadline: '500ms' } })
          const cancel = new AbortController()
          const first = box.run(PLAIN, ['sleep', '2'])
          const late = box.run(short, ['true'])
          const cancelled = box.run(PLAIN, ['true'], { signal: cancel.signal })
          const refused = box.run(PLAIN, ['true'])
          await settled(refused)
          cancel.abort()
          await settled(first, late, cancelled)
        },
        { sandboxes: 1, queue: 2 },
      ),
    ),
  'refused by what it is given': async () =>
    byRun(await heard((box) => settled(box.run(PLAIN, ['cat'], { inputs: { x: '/nonexistent.invalid' } })))),
  'a call that is none': async () => byRun(await heard((box) => settled(box.run(PLAIN, [])))),
  'a command that is not there': async () => byRun(await heard((box) => box.run(PLAIN, ['no-such-command']))),
  'a launcher that is killed as soon as a run is accepted': async () => {
    const [told] = byRun(
      await heard(async (box) => {
        const kill = () => {
          for (const pid of launchersOf(process.pid)) process.kill(pid, 'SIGKILL')
        }
        await onChannels(async () => settled(box.run(PLAIN, ['sleep', '5'])), kill)
      }),
    )
    // whether it got as far as its command is a race
    return [told?.[0], told?.filter((each) => each.startsWith('ended')).length, told?.at(-1)?.split(' ')[0]]
  },
  'ended by close()': async () => byRun(await heard(async (box) => void box.run(PLAIN, ['sleep', '60']))),
  'the deadline': async () =>
    byRun(await heard((box) => box.run(policyOf({ lifetime: { deadline: '2s' } }), ['sleep', '60']))),
  silence: async () =>
    byRun(await heard((box) => box.run(policyOf({ lifetime: { noOutput: '300ms' } }), ['sleep', '60']))),
  output: async () => byRun(await heard((box) => box.run(policyOf({ limits: { output: '1KiB' } }), ['yes']))),
  scratch: async () =>
    byRun(
      await heard((box) =>
        box.run(policyOf({ limits: { scratch: '64KiB' } }), ['sh', '-c', 'exec head -c 1M /dev/zero > x']),
      ),
    ),
  memory: async () =>
    byRun(
      await heard((box) =>
        box.run(policyOf({ limits: { memory: '64MiB' } }), ['python3', '-c', 'bytearray(200 << 20)']),
      ),
    ),
  processes: async () =>
    byRun(
      await heard((box) =>
        box.run(policyOf({ limits: { processes: 4 } }), [
          'sh',
          '-c',
          'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done',
        ]),
      ),
    ),
  'a sandbox that waited': async () => {
    const glovebox = await Glovebox.start({ warm: true })
    await glovebox.keepWarm(PLAIN, 1)
    const events = glovebox.events()
    await glovebox.run(PLAIN, ['true'])
    await glovebox.close()
    return (await read(events)).map((event) => ('warm' in event ? event.warm : null))
  },
  'two of them share nothing': async () => {
    const other = await Glovebox.start()
    const otherEvents = other.events()
    const one = await heard((box) => box.run(PLAIN, ['true']))
    await other.close()
    return [one.length, (await read(otherEvents)).length]
  },
  'who reads late, and little': async () => {
    const glovebox = await Glovebox.start()
    const events = glovebox.events({ most: 2 })
    for (let each = 0; each < 3; each++) await glovebox.run(PLAIN, ['true'])
    await glovebox.close()
    const all: string[] = []
    for await (const event of events) all.push(event.kind === 'missed' ? `missed ${event.count}` : event.kind)
    return all
  },
  'who leaves': async () => {
    const glovebox = await Glovebox.start()
    const events = glovebox.events()
    const running = glovebox.run(PLAIN, ['true'])
    for await (const { kind } of events) if (kind === 'started') break
    await running
    await glovebox.close()
    return [(await running).ok, (await events.next()).done]
  },
  'once closed': async () => {
    const glovebox = await Glovebox.start()
    await glovebox.close()
    try {
      return glovebox.events()
    } catch (error) {
      return (error as { code?: string }).code
    }
  },
  'the channels say what the stream says, each its kind': async () => {
    const told: string[] = []
    let events: GloveboxEvent[] = []
    const kinds: boolean[] = []
    await onChannels(
      async () => {
        events = await heard((box) => box.run(PLAIN, ['true']))
      },
      (event, channel) => {
        told.push(JSON.stringify(event))
        kinds.push(channel === `glovebox:${event.kind}`)
      },
    )
    return [told.join() === events.map((event) => JSON.stringify(event)).join(), kinds]
  },
  'a run is accepted in the context of its caller': async () => {
    const context = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    const glovebox = await Glovebox.start()
    await onChannels(
      () => context.run('the caller', () => glovebox.run(PLAIN, ['true'])),
      ({ kind }) => kind === 'queued' && seen.push(context.getStore()),
    )
    await glovebox.close()
    return seen
  },
  'a subscriber that throws each time': async () => {
    let thrown = 0
    const onThrown = (error: Error) => {
      if (error.message === 'its own mistake') thrown++
      else throw error
    }
    process.on('uncaughtException', onThrown)
    const glovebox = await Glovebox.start()
    const events = glovebox.events()
    let ok = false
    await onChannels(
      async () => {
        ok = (await glovebox.run(PLAIN, ['true'])).ok
        await new Promise(setImmediate)
      },
      () => {
        throw new Error('its own mistake')
      },
    )
    process.off('uncaughtException', onThrown)
    await glovebox.close()
    return [ok, thrown, (await read(events)).map(({ kind }) => kind)]
  },
}

const results: Record<string, unknown> = {}
for (const [name, scenario] of Object.entries(SCENARIOS)) results[name] = await scenario()

const world = await makeWorld(waive)
try {
  const [half, rest] = [VALUE.slice(0, 9), VALUE.slice(9)]
  const script = [
    `curl -sS ${world.url}path-one`,
    `curl -sS ${world.url}path-two`,
    // the value put together inside, as a job would that has it from elsewhere: in a name, in a path, as a method
    `a=${half}; b=${rest}`,
    'curl -sS "http://$a$b.test/"',
    'curl -sS "http://other.test/$a$b?$a$b" -X "$a$b"',
    `curl -sS "${world.url}$a$b" -X "$a$b"`,
    'exit 0',
  ].join('\n')
  const all: GloveboxEvent[] = []
  const events = world.glovebox.events()
  const given = { secrets: { T: VALUE }, tenant: `of ${VALUE}` }
  const policy = world.policy({ T: { source: 'caller' } })
  let reported = ''
  await onChannels(
    async () => {
      reported = JSON.stringify((await world.glovebox.run(policy, ['sh', '-c', script], given)).report)
      // its value is found in what it is given
      await settled(world.glovebox.run(policy, ['echo', VALUE], given))
    },
    (event) => all.push(event),
  )
  await world.glovebox.close()
  const streamed = await read(events)
  const sums = (of: readonly { count: number; sentBytes: number }[] = []) => [
    of.reduce((sum, { count }) => sum + count, 0),
    of.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
  ]
  const attempts = all.flatMap((event) => (event.kind === 'attempt' ? [event] : []))
  const ended = all.find((event) => event.kind === 'ended')
  const { network, networkOmitted } = JSON.parse(reported)
  results.credentials = {
    runs: byRun(all).map((run) => run.filter((each) => !each.startsWith('attempt'))),
    tried: [attempts.length > 3, JSON.stringify(sums(attempts)) === JSON.stringify(sums(network))],
    omitted: ended?.kind === 'ended' && ended.attemptsOmitted === networkOmitted,
    leaks: leaks(JSON.stringify([all, streamed]).toLowerCase().replaceAll(VALUE.toLowerCase(), VALUE)),
    redacted: all.every(({ tenant }) => tenant === 'of [secret T]'),
    names: attempts.some(({ name }) => name?.includes('[secret T]')),
  }
} finally {
  await world.close()
}
process.stdout.write(JSON.stringify(results))
