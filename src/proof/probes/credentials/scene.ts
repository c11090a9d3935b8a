/** One scene of a job that has a credential: inside it holds what it was given; in the open, where its control is, the value itself. */
import type { Plan } from '../../../plan/index.js'
import { closing, type Said, type SaidOptions, saidIn, type TalkPlace } from '../network/said.js'
import type { Bench, Probe, Trial } from '../probe.js'
import type { Answer, Asked, Callee } from '../talk.js'
import type { ThreatId } from '../threats.js'
import type { ClearAnswer, SeenRequest, ShownCertificate } from '../world.js'
import { type Credential, ELSEWHERE, secretValue, the, withOne } from './decoys.js'

/** By then one that is not ended never will be, ms. */
const REVOKED_MS = 8000

export interface SecretPlace extends TalkPlace {
  /** the decoy that stands for the value */
  readonly value: string
  /** what the job has: its placeholder, or in the open the value */
  readonly own: string
  readonly host: { readonly name: string; readonly port: number }
  /** one request on a connection of its own; default: to the credential's host, by HTTP/1.1 */
  ask(request: Partial<Asked>, to?: To): Promise<Answer>
  /** ends its lease; nothing in the open */
  end(): Promise<void>
}

export interface To extends Partial<Pick<Callee, 'port' | 'protocol' | 'clear'>> {
  readonly host?: string
}

export interface SecretScene {
  readonly changes?: Partial<Credential>
  readonly shows?: ShownCertificate
  /** what hosts answer; default: the canary */
  readonly answer?: (request: SeenRequest, value: string, wait: Promise<void>) => ClearAnswer
  readonly judged?: SaidOptions['judged']
}

type Act = (place: SecretPlace) => Promise<Said>

export function secretScene(what: string, act: Act, scene: SecretScene = {}): Trial {
  return {
    world: true,
    inside: (bench) => playSecret(bench, what, act, { ...scene, inside: true }),
    control: (bench) => playSecret(bench, what, act, { ...scene, inside: false }),
  }
}

export function playSecret(
  bench: Bench,
  what: string,
  act: Act,
  { inside, changes, shows, answer, judged }: SecretScene & { readonly inside: boolean },
) {
  const value = secretValue(bench)
  const under = (plan: Plan) => withOne(plan, changes)
  const { name, host, port } = the(under(bench.plan))
  return saidIn(
    bench,
    what,
    async (place) => {
      const own = inside ? await place.talk.variable(name) : value
      const ask = async (request: Partial<Asked>, to: To = {}) => {
        const callee = { port, ...to, host: `${to.host ?? host}@${place.resolver}`, name: to.host ?? host }
        const line = await place.talk.call(callee)
        return closing(line, () => line.ask(asked(callee, request)))
      }
      const end = () => Promise.race([place.revoke(name), bench.view.after(REVOKED_MS)])
      return act({ ...place, value, own: own ?? '', host: { name: host, port }, ask, end })
    },
    {
      inside,
      under,
      ...(shows === undefined ? {} : { shows }),
      ...(answer === undefined
        ? {}
        : { answer: (request: SeenRequest, wait: Promise<void>) => answer(request, value, wait) }),
      ...(judged === undefined ? {} : { judged }),
    },
  )
}

function asked({ name, port }: { name: string; port: number }, request: Partial<Asked>): Asked {
  return { method: 'GET', path: '/', authority: port === 443 ? name : `${name}:${port}`, ...request }
}

/** The header that a job with the value would write; inside, the gateway writes it where it is meant to be. */
export const bearing = ({ inside, value }: Pick<SecretPlace, 'inside' | 'value'>): Asked['headers'] =>
  inside ? [] : [['Authorization', `Bearer ${value}`]]

/** All that a host has of a request, as one text. */
export function textOf({ authority, method, path, headers, body }: SeenRequest): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}`)
  return [`${method} ${path}`, authority, ...lines, body.toString('latin1')].join('\n')
}

export const isElsewhere = ({ authority }: SeenRequest) => authority.startsWith(ELSEWHERE)

export const secretProbe = (
  id: string,
  claim: Extract<Probe['claim'], `credentials.${string}`>,
  threat: ThreatId,
  tries: string,
  trial: Trial | Probe['trial'],
): Probe => ({
  id: `secrets.${id}`,
  claim,
  threat,
  tries,
  trial: typeof trial === 'function' ? trial : () => trial,
})
