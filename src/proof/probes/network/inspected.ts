/** TLS that is looked into: past whoever looks, to a host that is not the one, and with requests that no rule allows. */
import { pathMatches, TRUST } from '../../../network/index.js'
import type { Pointless, Probe, Trial } from '../probe.js'
import type { Asked, Callee } from '../talk.js'
import type { ThreatId } from '../threats.js'
import type { SeenRequest, ShownCertificate } from '../world.js'
import type { NamedWay } from './place.js'
import { asked, askedOnce, authorityOf, byInspected, calleeOf, closing, said, saidIn } from './said.js'

const OTHER = 'other.glovebox-probe.invalid'
const PATH = '/glovebox-not-allowed'
const METHODS = ['DELETE', 'PUT', 'PATCH', 'OPTIONS']

const probe = (
  id: string,
  threat: ThreatId,
  tries: string,
  trial: (way: NamedWay) => Trial | Pointless,
): Probe => ({
  id: `inspected.${id}`,
  claim: 'network.inspected',
  threat,
  tries,
  trial: ({ plan }) => byInspected(plan, trial),
})

type Mark = (request: SeenRequest) => boolean

/** `request` must not come out at the other end as what it is. */
function request(
  id: string,
  tries: string,
  of: (way: NamedWay) => Partial<Asked> | Pointless,
  mark: (way: NamedWay) => Mark,
  more: Partial<Callee> = {},
): Probe {
  return probe(id, 'inside-tls', tries, (way) => {
    const changes = of(way)
    if ('pointless' in changes) return changes
    return said(`${changes.method ?? 'a request'} of ${changes.path ?? 'an allowed path'}`, async (place) => {
      const answer = await askedOnce(way, place, asked(way, changes), more)
      return { reached: place.requests.some(mark(way)), answer }
    })
  })
}

const H2 = { protocol: 'h2' } as const
const toOther = () => (each: SeenRequest) =>
  each.authority.includes(OTHER) ||
  each.path.includes(OTHER) ||
  each.headers.some(([, value]) => value === OTHER)

const otherMethod = ({ rules }: NamedWay): Partial<Asked> | Pointless => {
  const method = METHODS.find((each) => rules.every(({ methods }) => methods?.includes(each) === false))
  return method === undefined ? { pointless: 'the rule allows every method' } : { method }
}

const otherPath = ({ rules }: NamedWay): Partial<Asked> | Pointless => {
  const isOpen = rules.some(
    ({ paths }) => paths === null || paths.some((pattern) => pathMatches(pattern, PATH)),
  )
  return isOpen ? { pointless: 'the rule allows every path' } : { path: PATH }
}

const isOfMethod = () => (each: SeenRequest) => METHODS.includes(each.method)
const isOfPath = () => (each: SeenRequest) => each.path.includes(PATH)

export const inspectedProbes: readonly Probe[] = [
  probe('unread', 'inside-tls', 'speak TLS with the host itself, which nobody reads', (way) =>
    said('a handshake with the host itself', async (place) => {
      const line = await place.talk.call(calleeOf(way, place))
      line.close()
      return {
        reached: line.issuer === place.world.authority,
        answer: null,
        detail: `signed by ${line.issuer}`,
      }
    }),
  ),
  request('method', 'use a method that no rule allows, inside TLS', otherMethod, isOfMethod),
  request('path', 'ask for a path that no rule allows, inside TLS', otherPath, isOfPath),
  request(
    'http2-method',
    'use a method that no rule allows, in a stream of HTTP/2',
    otherMethod,
    isOfMethod,
    H2,
  ),
  request('http2-path', 'ask for a path that no rule allows, in a stream of HTTP/2', otherPath, isOfPath, H2),
  request(
    'other-path',
    'say another path in a field that servers believe',
    (way) => {
      const plain = otherPath(way)
      return 'pointless' in plain ? plain : { headers: [['X-Original-URL', PATH]] }
    },
    () => (each) => each.headers.some(([name]) => name === 'x-original-url'),
  ),
  request('other-host', 'ask for another host, inside TLS', () => ({ authority: OTHER }), toOther),
  request('two-hosts', 'ask for two hosts, inside TLS', () => ({ headers: [['Host', OTHER]] }), toOther),
  request(
    'absolute-form',
    'ask for another host in absolute form, inside TLS',
    () => ({ path: `https://${OTHER}/` }),
    toOther,
  ),
  request(
    'http2-authority',
    'ask for another host in a stream of HTTP/2',
    () => ({ authority: OTHER }),
    toOther,
    H2,
  ),
  request(
    'http2-host',
    'name a second host in a stream of HTTP/2',
    () => ({ headers: [['host', OTHER]] }),
    toOther,
    H2,
  ),
  probe(
    'kept-connection',
    'inside-tls',
    'ask for another host on a connection that had a good request',
    (way) =>
      said('a second request, for another host', async (place) => {
        const line = await place.talk.call(calleeOf(way, place))
        const answer = await closing(line, async () => {
          await line.ask(asked(way))
          return line.ask(asked(way, { authority: OTHER }))
        })
        return { reached: place.requests.some(toOther()), answer }
      }),
  ),
  ...(
    [
      ['otherName', 'other-certificate', 'reach a host that shows a certificate for another name'],
      ['old', 'old-certificate', 'reach a host whose certificate has expired'],
      ['unknownAuthority', 'unknown-authority', 'reach a host whose certificate nobody knows the signer of'],
      ['commonName', 'common-name', 'reach a host whose certificate has its name as a common name alone'],
    ] as const satisfies readonly (readonly [ShownCertificate, string, string])[]
  ).map(([shows, id, tries]) =>
    probe(id, 'wrong-certificates', tries, (way) =>
      said(
        'a request to it',
        async (place) => {
          const answer = await askedOnce(way, place, asked(way))
          return { reached: place.requests.length > 0, answer }
        },
        { shows },
      ),
    ),
  ),
  probe('other-sandbox', 'sandbox-authority', 'be believed in another sandbox', (way) => ({
    world: true,
    inside: async (bench) => {
      const { said: other } = await bench.talk((talk) => talk.file(AUTHORITY))
      return believing(way, 'an authority of another sandbox', other)(bench)
    },
    control: believing(way, 'the sandbox’s own authority', null),
  })),
]

const AUTHORITY = `/etc/${TRUST.authority}`

/** `believed`: `null`: its own. */
function believing(way: NamedWay, what: string, believed: string | null): Trial['inside'] {
  return (bench) =>
    saidIn(
      bench,
      what,
      async (place) => {
        const own = believed ?? (await place.talk.file(AUTHORITY)) ?? ''
        const line = await place.talk.call(calleeOf(way, place, { believed: own }))
        const { isBelieved, issuer } = line
        const answer = await closing(line, () => line.ask(asked(way)))
        return {
          reached: isBelieved && own !== '',
          answer,
          detail: `${authorityOf(way)} signed by ${issuer}`,
        }
      },
      { inside: true },
    )
}
