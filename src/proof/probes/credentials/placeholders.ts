/** A placeholder, or a value that a job has got hold of, on its way to where it is not for: found, however it is wrapped. */
import type { Probe, Trial } from '../probe.js'
import type { Asked } from '../talk.js'
import type { ThreatId } from '../threats.js'
import { type Credential, ELSEWHERE, the, withOne } from './decoys.js'
import { playSecret, type SecretPlace, secretProbe, secretScene, type To, textOf } from './scene.js'

const CLAIM = 'credentials.no-placeholder-elsewhere'
const IN_HEADERS: Partial<Credential> = { use: { kind: 'placeholder', in: ['headers'] } }
const AWAY: To = { host: ELSEWHERE, port: 443 }

/** How it is written, and how it would arrive. */
type Wrapping = (own: string) => { readonly request: Partial<Asked>; readonly arrives: string }

const each = (bytes: (code: number) => string) => (text: string) =>
  [...text].map((one) => bytes(one.charCodeAt(0))).join('')
const hex2 = (code: number) => code.toString(16).padStart(2, '0')
const base64 = (text: string) => Buffer.from(text).toString('base64')

const inHeader =
  (wrap: (own: string) => string): Wrapping =>
  (own) => ({
    request: { headers: [['X-Data', wrap(own)]] },
    arrives: wrap(own),
  })
const inBody =
  (wrap: (own: string) => string): Wrapping =>
  (own) => ({
    request: { method: 'POST', body: [Buffer.from(wrap(own), 'latin1')] },
    arrives: wrap(own),
  })

const plain = (text: string) => text
const quoted = each((code) => `\\u00${hex2(code)}`)
const percent = each((code) => `%${hex2(code)}`)
const wide = each((code) => `${String.fromCharCode(code)}\0`)

const probe = (
  id: string,
  tries: string,
  wrappings: readonly Wrapping[],
  {
    to = AWAY,
    threat = 'credential-elsewhere',
    value = false,
  }: { to?: To; threat?: ThreatId; value?: boolean } = {},
): Probe =>
  secretProbe(
    id,
    CLAIM,
    threat,
    tries,
    secretScene('a request with it', (place) => sent(place, wrappings, value ? place.value : place.own, to), {
      changes: IN_HEADERS,
    }),
  )

/** Inside none may arrive; in the open each must. */
async function sent(place: SecretPlace, wrappings: readonly Wrapping[], what: string, to: To) {
  let arrived = 0
  let answer = null
  for (const wrap of wrappings) {
    const { request, arrives } = wrap(what)
    const before = place.requests.length
    answer = await place.ask(request, to)
    const texts = place.requests.slice(before).map(textOf)
    const clear = place.seen.connections.map(({ begun }) => begun.toString('latin1'))
    if ([...texts, ...clear].some((text) => text.includes(arrives))) arrived++
  }
  const enough = place.inside ? arrived > 0 : arrived === wrappings.length
  return { reached: enough && what !== '', answer, detail: `${arrived} of ${wrappings.length} arrived` }
}

export const placeholderProbes: readonly Probe[] = [
  probe('placeholder-header', 'send the placeholder to another host, in a header or a cookie', [
    inHeader(plain),
    (own) => ({ request: { headers: [['Cookie', `a=${own}`]] }, arrives: own }),
  ]),
  probe('placeholder-basic', 'send the placeholder to another host as a password', [
    (own) => ({
      request: { headers: [['Authorization', `Basic ${base64(`user:${own}`)}`]] },
      arrives: base64(`user:${own}`),
    }),
  ]),
  probe('placeholder-target', 'send the placeholder to another host in the path or the query', [
    (own) => ({ request: { path: `/${own}` }, arrives: own }),
    (own) => ({ request: { path: `/?key=${own}` }, arrives: own }),
  ]),
  probe('placeholder-body', 'send the placeholder to another host in a body', [inBody(plain)]),
  probe('placeholder-pieces', 'send the placeholder to another host in a body, in pieces', [
    (own) => ({
      request: { method: 'POST', body: [Buffer.from(`a=${own.slice(0, 9)}`), Buffer.from(own.slice(9))] },
      arrives: own,
    }),
  ]),
  probe('placeholder-wrapped', 'send the placeholder to another host in wrappings', [
    inHeader(base64),
    inHeader(percent),
    inBody(base64),
    inBody(quoted),
    inBody(each(hex2)),
    inBody(wide),
  ]),
  probe(
    'placeholder-http2',
    'send the placeholder to another host in a stream of HTTP/2',
    [inHeader(plain)],
    {
      to: { ...AWAY, protocol: 'h2' },
    },
  ),
  probe('placeholder-clear', 'send the placeholder to its host without TLS', [inHeader(plain)], {
    to: { clear: true },
  }),
  probe(
    'placeholder-part',
    'send the placeholder to its host in a part of the request that it is not for',
    [inBody(plain)],
    {
      to: {},
    },
  ),
  probe(
    'value-header',
    'send a value that it has got hold of in a header',
    [inHeader(plain), inHeader(base64)],
    {
      value: true,
    },
  ),
  probe('value-body', 'send a value that it has got hold of in a body', [inBody(plain), inBody(base64)], {
    value: true,
  }),
  secretProbe(
    'other-sandbox',
    CLAIM,
    'foreign-placeholders',
    'use the placeholder of another sandbox',
    otherSandbox(),
  ),
  secretProbe(
    'unseen',
    CLAIM,
    'credential-elsewhere',
    'send the placeholder to another host without being seen',
    unseen(),
  ),
]

function otherSandbox(): Trial {
  const send = (place: SecretPlace, own: string) => sent(place, [inHeader(plain)], own, {})
  const control = secretScene('a request with it', (place) => send(place, place.own), { changes: IN_HEADERS })
  return {
    ...control,
    inside: async (bench) => {
      const plan = withOne(bench.plan, IN_HEADERS)
      const { said: other } = await bench.talk((talk) => talk.variable(the(plan).name), plan)
      return playSecret(bench, 'a request with it', (place) => send(place, other ?? ''), {
        changes: IN_HEADERS,
        inside: true,
      })
    },
  }
}

/** What arrives in the open must inside be refused and on record. */
function unseen(): Trial {
  const act = (place: SecretPlace) => sent(place, [inHeader(plain)], place.own, AWAY)
  const { control } = secretScene('a request with it', act, { changes: IN_HEADERS })
  return {
    world: true,
    control,
    inside: (bench) =>
      playSecret(bench, 'a request with it', act, {
        changes: IN_HEADERS,
        inside: true,
        judged: ({ attempts }) =>
          !attempts.some(({ name, verdict }) => name === ELSEWHERE && verdict === 'denyCredentialElsewhere'),
      }),
  }
}
