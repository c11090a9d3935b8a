/** What probes share that speak TLS: a rule that looks into it, and one scene of talk inside and in the open. */
import { visible } from '../../../errors/index.js'
import type { Plan } from '../../../plan/index.js'
import type { PlanRun } from '../../../sandbox/index.js'
import { type Bench, type Pointless, type Revoke, type Trial, type Tried, UNTOLD } from '../probe.js'
import { type Answer, type Asked, type Callee, type Line, type Talk, TalkProblem } from '../talk.js'
import type { ClearAnswer, Seen, SeenRequest, ShownCertificate, Zone } from '../world.js'
import { methodOf, pathOf } from './bytes.js'
import { type NamedWay, type Place, waysOf } from './place.js'

/** Where it is said. */
export interface TalkPlace extends Place {
  readonly talk: Talk
  /** inside TLS, as hosts of the world have it */
  readonly requests: readonly SeenRequest[]
  readonly seen: Seen
  /** ends the lease of a credential, where there is one */
  readonly revoke: Revoke
  /** lets hosts go on that wait in their answers */
  readonly goOn: () => void
}

/** What came of what was said. */
export interface Said {
  readonly reached: boolean
  readonly answer: Answer | null
  readonly detail?: string
}

export interface SaidOptions {
  readonly zone?: Zone
  readonly shows?: ShownCertificate
  /** what hosts say to requests, of which the rest may wait until it may go on; default: the canary */
  readonly answer?: (request: SeenRequest, wait: Promise<void>) => ClearAnswer
  /** inside: whether what the run left behind means that it was reached; default: what was said of it then */
  readonly judged?: (run: PlanRun) => boolean
  /** how the plan differs from the one that is verified */
  readonly under?: (plan: Plan) => Plan
}

type Act = (place: TalkPlace) => Promise<Said>

/** Inside nothing may be reached by what is said, and in the open it must. */
export function said(what: string, act: Act, options: SaidOptions = {}): Trial {
  return {
    world: true,
    inside: (bench) => saidIn(bench, what, act, { ...options, inside: true }),
    control: (bench) => saidIn(bench, what, act, { ...options, inside: false }),
  }
}

export async function saidIn(
  bench: Bench,
  what: string,
  act: Act,
  { inside, zone = {}, shows = 'good', answer, under, judged }: SaidOptions & { readonly inside: boolean },
): Promise<readonly Tried[]> {
  const { world, canary } = bench.decoys
  if (world === null) throw new RangeError('a scene without a world')
  let goOn = () => {}
  const wait = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const says = answer ?? (() => ({ pieces: [Buffer.from(canary)] }))
  const secure = { shows, answer: (request: SeenRequest) => says(request, wait) }
  return world.scene(
    zone,
    async (seen) => {
      const resolver = inside ? (bench.plan.network?.resolver ?? world.resolver) : world.resolver
      const play = async (talk: Talk, revoke: Revoke = async () => {}) => {
        const place = { inside, bench, world, resolver, talk, revoke, goOn, seen, requests: seen.requests }
        try {
          return await tried(what, () => act(place))
        } finally {
          goOn()
        }
      }
      if (!inside) return [await bench.talkOpenly((talk) => play(talk))]
      const { said: each, run } = await bench.talk(play, under?.(bench.roomy))
      return [judged === undefined || each.look.result === UNTOLD ? each : { ...each, reached: judged(run) }]
    },
    secure,
  )
}

async function tried(attempt: string, act: () => Promise<Said>): Promise<Tried> {
  try {
    const { reached, answer, detail } = await act()
    const result = reached ? 'ok' : (answer?.problem ?? `status${answer?.status ?? ''}`)
    // it came out of the sandbox
    return { attempt, look: { result, detail: visible((detail ?? toldOf(answer)).slice(0, 200)) }, reached }
  } catch (error) {
    if (!(error instanceof TalkProblem)) throw error
    return { attempt, look: { result: error.word, detail: '' }, reached: false }
  }
}

const toldOf = (answer: Answer | null) => (answer?.status == null ? '' : `answered ${answer.status}`)

/** The first way by name whose TLS is looked into. */
export function inspectedWay(plan: Plan): NamedWay | null {
  const ways = plan.network === null ? [] : waysOf(plan.network)
  return ways.find((way): way is NamedWay => isInspected(way) && way.name !== null) ?? null
}

export const isInspected = ({ rule, protocol }: Pick<NamedWay, 'rule' | 'protocol'>) =>
  rule.inspect && (protocol === 'tls' || protocol === 'web')

export function byInspected(plan: Plan, make: (way: NamedWay) => Trial | Pointless): Trial | Pointless {
  const way = inspectedWay(plan)
  return way === null ? { pointless: 'no rule inspects TLS with a host by name' } : make(way)
}

export function calleeOf({ name, port }: NamedWay, { resolver }: Place, more: Partial<Callee> = {}): Callee {
  return { host: `${name}@${resolver}`, port, name, ...more }
}

/** What the way's rule lets through. */
export function asked(way: NamedWay, changes: Partial<Asked> = {}): Asked {
  return { method: methodOf(way.rule), path: pathOf(way.rule), authority: authorityOf(way), ...changes }
}

export const authorityOf = ({ name, port }: NamedWay) => (port === 443 ? name : `${name}:${port}`)

/** One request on a connection of its own. */
export async function askedOnce(
  way: NamedWay,
  place: TalkPlace,
  request: Asked,
  more: Partial<Callee> = {},
): Promise<Answer> {
  const line = await place.talk.call(calleeOf(way, place, more))
  return closing(line, () => line.ask(request))
}

export async function closing<T>(line: Line, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } finally {
    line.close()
  }
}
