/** Jobs of all kinds, several at a time, in rounds; after each round, when nothing runs, what there is is counted. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Glovebox } from '../../src/index.js'
import { random } from '../random.js'
import { type Census, census } from './census.js'
import { type Kind, kindsOf } from './kinds.js'
import type { Place } from './place.js'
import { at, EQUAL, type Figures, type Line, linesOf, MEMORY, type Rule, TIMES } from './verdict.js'

export interface SoakOptions {
  readonly jobs: number
  /** jobs at a time */
  readonly width: number
  /** jobs between two counts */
  readonly round: number
  readonly seed: number
  /** so many sandboxes wait for jobs of the plainest policy */
  readonly warm: number
  /** nothing else runs on this machine: what is counted of the whole host is held to be flat, too */
  readonly isAlone: boolean
  onRound?(done: number, census: Census, times: Figures): void
}

export interface Soak {
  readonly jobs: number
  readonly elapsedMs: number
  /** what was not as it has to be, the first of them */
  readonly wrong: readonly string[]
  readonly wrongs: number
  readonly counts: readonly Line[]
  readonly memory: readonly Line[]
  /** of each round, ms: all jobs without what their own clocks say */
  readonly times: readonly Line[]
  /** of each kind, whole: told, and not held to anything */
  readonly kinds: readonly Line[]
  /** of the whole host */
  readonly host: readonly Line[]
}

interface Round {
  readonly census: Census
  readonly times: Figures
  readonly kinds: Figures
}

const TENANTS = ['acme', 'other']
/** Of fewer jobs a p99 is the slowest one. */
const MANY = 1_000
const MOST_WRONG = 20
/** Cancelled at any moment of a short life, ms. */
const CANCEL_MS = 60
/** What ends just after a run does, such as a connection of the gateway, gets so long: times, ms. */
const SETTLE_TRIES = 100
const SETTLE_MS = 50

/** The first round is the warm-up: it is counted in nothing but what went wrong. */
export async function soak(place: Place, options: SoakOptions): Promise<Soak> {
  const { jobs, width, round, warm } = options
  const { plain, kinds } = kindsOf(place)
  const draw = random(options.seed)
  const deck = kinds.flatMap((kind) => Array.from({ length: kind.share }, () => kind))
  const wrong: string[] = []
  let wrongs = 0
  const rounds: Round[] = []
  const began = performance.now()
  const glovebox = await Glovebox.start({
    boundary: place.boundary,
    network: { hosts: { 'host.test': ['127.0.0.1'] }, resolvers: ['127.0.0.1:9'] },
    warm: warm === 0 ? false : { most: warm, memory: 1024 ** 3 },
  })

  const one = async (kind: Kind, times: [Kind, number][]) => {
    const job = { tenant: TENANTS[draw(TENANTS.length)] ?? '', delayMs: draw(CANCEL_MS) }
    const begin = performance.now()
    const problem = await kind.once(glovebox, job).catch((error) => `${kind.name}: ${error}`)
    times.push([kind, performance.now() - begin])
    if (problem === null) return
    if (wrong.length < MOST_WRONG) wrong.push(problem)
    wrongs++
  }
  const quiet = async () => {
    if (warm > 0) await glovebox.keepWarm(plain, warm)
    let last = census(place)
    for (let tries = 0; tries < SETTLE_TRIES; tries++) {
      await sleep(SETTLE_MS)
      const now = census(place)
      if (JSON.stringify(now.counts) === JSON.stringify(last.counts)) return now
      last = now
    }
    return last
  }

  try {
    // all that a Glovebox starts when it is first needed
    for (const kind of kinds) await one(kind, [])
    for (let done = 0; done < jobs; done += round) {
      const times: [Kind, number][] = []
      let left = Math.min(round, jobs - done)
      const lane = async () => {
        while (left-- > 0) await one(deck[draw(deck.length)] ?? (deck[0] as Kind), times)
      }
      await Promise.all(Array.from({ length: width }, lane))
      const each = { census: await quiet(), times: timesOf(times), kinds: timesByKind(times) }
      rounds.push(each)
      options.onRound?.(Math.min(done + round, jobs), each.census, each.times)
    }
  } finally {
    await glovebox.close()
  }
  const counted = rounds.length > 1 ? rounds.slice(1) : rounds
  const lines = (of: (each: Round) => Figures, rule: Rule | null) => linesOf(counted.map(of), rule)
  return {
    jobs,
    elapsedMs: performance.now() - began,
    wrong,
    wrongs,
    counts: lines(({ census }) => census.counts, EQUAL),
    memory: lines(({ census }) => census.memory, MEMORY),
    times: lines(({ times }) => times, round < MANY ? null : TIMES),
    kinds: lines(({ kinds }) => kinds, null),
    host: lines(({ census }) => census.host, options.isAlone ? EQUAL : null),
  }
}

/** @returns what was not flat, or went wrong, one sentence each */
export function complaintsOf({ wrongs, wrong, counts, memory, times, host }: Soak): string[] {
  const steep = [...counts, ...memory, ...times, ...host].filter(({ flat }) => flat === false)
  return [
    ...(wrongs > 0 ? [`${wrongs} jobs did not end as they have to: ${wrong.join('; ')}`] : []),
    ...steep.map(({ name, first, last }) => `${name}: ${first} in an early quarter, ${last} in the last`),
  ]
}

function timesOf(times: readonly [Kind, number][]): Figures {
  const beyond = times.flatMap(([{ ownMs }, ms]) => (ownMs === null ? [] : [ms - ownMs]))
  return { p50: at(beyond, 0.5), p99: at(beyond, 0.99) }
}

function timesByKind(times: readonly [Kind, number][]): Figures {
  const kinds = new Set(times.map(([kind]) => kind))
  const figures = [...kinds].flatMap((kind): [string, number][] => {
    const own = times.filter(([each]) => each === kind).map(([, ms]) => ms)
    return [
      [`${kind.name}: p50`, at(own, 0.5)],
      [`${kind.name}: p99`, at(own, 0.99)],
    ]
  })
  return Object.fromEntries(figures)
}
