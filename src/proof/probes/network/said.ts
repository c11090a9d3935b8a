/** What probes share that speak TLS: a rule that looks into it, and one scene of talk inside and in the open. */
import { visible } from '../../../errors/index.js'
import type { Plan } from '../../../plan/index.js'
import type {
  Bench,
  ClearAnswer,
  Pointless,
  SeenRequest,
  ShownCertificate,
  Trial,
  Tried,
  Zone,
} from '../probe.js'
import { type Answer, type Asked, type Callee, type Line, type Talk, TalkProblem } from '../talk.js'
import { methodOf, pathOf } from './bytes.js'
import { type NamedWay, type Place, waysOf } from './place.js'

/** Where it is said. */
export interface TalkPlace extends Place {
  readonly talk: Talk
  /** inside TLS, as hosts of the world have it */
  readonly requests: readonly SeenRequest[]
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
  /** what hosts say to requests; default: the canary */
  readonly answer?: (request: SeenRequest) => ClearAnswer
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
  { inside, zone = {}, shows = 'good', answer, under }: SaidOptions & { readonly inside: boolean },
): Promise<readonly Tried[]> {
  const { world, canary } = bench.decoys
  if (world === null) throw new RangeError('a scene without a world')
  const secure = { shows, answer: answer ?? (() => ({ pieces: [Buffer.from(canary)] })) }
  return world.scene(
    zone,
    async (seen) => {
      const resolver = inside ? (bench.plan.network?.resolver ?? world.resolver) : world.resolver
      const play = (talk: Talk) =>
        tried(what, () => act({ inside, bench, world, resolver, talk, requests: seen.requests }))
      const each = inside ? (await bench.talk(play, under?.(bench.roomy))).said : await bench.talkOpenly(play)
      return [each]
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
