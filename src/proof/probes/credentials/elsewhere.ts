/** A value goes to its host alone: what would carry it to another, or in another request, goes without it. */
import { pathMatches } from '../../../network/index.js'
import type { Plan } from '../../../plan/index.js'
import { methodOf, pathOf } from '../network/bytes.js'
import { type NamedWay, waysOf } from '../network/place.js'
import { authorityOf, calleeOf, closing, isInspected, saidIn } from '../network/said.js'
import type { Bench, Pointless, Probe, Trial, Tried } from '../probe.js'
import type { Asked } from '../talk.js'
import { type Credential, decoyValue, ELSEWHERE, otherPort } from './decoys.js'
import { bearing, type SecretScene, secretProbe, secretScene, type To, textOf } from './scene.js'

const PATH = '/glovebox-allowed'

interface Attack extends SecretScene {
  readonly request?: Partial<Asked>
  readonly to?: (port: number) => To
}

const probe = (id: string, tries: string, { request = {}, to, ...scene }: Attack): Probe =>
  secretProbe(
    id,
    'credentials.bound-to-host',
    'credential-elsewhere',
    tries,
    secretScene(
      'a request that would carry it',
      async (place) => {
        const answer = await place.ask(
          { ...request, headers: [...(request.headers ?? []), ...(bearing(place) ?? [])] },
          to?.(place.host.port),
        )
        const clear = place.seen.connections.some(({ begun }) => begun.includes(place.value))
        return { reached: clear || place.requests.some((each) => textOf(each).includes(place.value)), answer }
      },
      scene,
    ),
  )

/** `token`: of somebody else, who would get all that is sent with it. */
const foreign = (
  id: string,
  tries: string,
  header: readonly [string, string],
  changes: Partial<Credential>,
): Probe =>
  secretProbe(
    id,
    'credentials.bound-to-host',
    'foreign-tokens',
    tries,
    secretScene(
      'a request with it',
      async (place) => {
        const headers = [
          header,
          ['x-amz-date', '20260101T000000Z'],
          ['x-amz-content-sha256', 'UNSIGNED-PAYLOAD'],
        ] as const
        const answer = await place.ask({ headers })
        return { reached: place.requests.some((each) => textOf(each).includes('FOREIGN')), answer }
      },
      { changes },
    ),
  )

export const elsewhereProbes: readonly Probe[] = [
  secretProbe(
    'used',
    'credentials.bound-to-host',
    'credential-elsewhere',
    'use each credential for what it is for, without which nothing else here would prove anything',
    ({ plan }) => used(plan),
  ),
  probe('other-host', 'have the value sent to another host', { to: () => ({ host: ELSEWHERE, port: 443 }) }),
  probe('http2-other-host', 'have the value sent to another host, in a stream of HTTP/2', {
    to: () => ({ host: ELSEWHERE, port: 443, protocol: 'h2' }),
  }),
  probe('other-port', 'have the value sent to another port of its host', {
    to: (port) => ({ port: otherPort(port) }),
  }),
  probe('clear', 'have the value sent without TLS', { to: () => ({ clear: true }) }),
  probe('other-certificate', 'have the value sent to a host with a certificate for another name', {
    shows: 'otherName',
  }),
  probe('other-method', 'have the value sent with a method that it is not for', {
    changes: { methods: ['GET'] },
    request: { method: 'DELETE' },
  }),
  probe('meant-method', 'have the value sent with a method in a field that servers believe', {
    changes: { methods: ['GET'] },
    request: { headers: [['X-HTTP-Method-Override', 'DELETE']] },
  }),
  probe('other-path', 'have the value sent to a path that it is not for', {
    changes: { paths: [`${PATH}/**`] },
    request: { path: '/glovebox-not-allowed' },
  }),
  probe('odd-path', 'have the value sent to a path that only looks like one that it is for', {
    changes: { paths: [`${PATH}/**`] },
    request: { path: `${PATH}/%2e%2e/glovebox-not-allowed` },
  }),
  foreign(
    'foreign-token',
    'send data under a token of somebody else',
    ['Authorization', 'Bearer FOREIGN'],
    {},
  ),
  foreign(
    'foreign-signature',
    'send data under a signature with keys of somebody else',
    [
      'Authorization',
      `AWS4-HMAC-SHA256 Credential=AKIAFOREIGN/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`,
    ],
    { use: { kind: 'aws-sigv4', region: 'eu-west-1', service: 's3', presigned: false } },
  ),
]

/** Nothing is attacked: each credential of the policy reaches one of its hosts, under the policy's own rules. */
function used(plan: Plan): Trial | Pointless {
  const ways = plan.credentials.flatMap((credential) => {
    const way = wayOf(plan, credential)
    return way === null ? [] : [{ credential, ...way }]
  })
  if (ways.length === 0) return { pointless: 'no rule lets a request by that a credential is for' }
  return {
    world: true,
    inside: async () => [],
    control: async (bench) => {
      const tried: Tried[] = []
      for (const each of ways) tried.push(...(await useOne(bench, each)))
      return tried
    },
  }
}

interface Usable {
  readonly credential: Credential
  readonly way: NamedWay
  readonly method: string
  readonly path: string
}

function wayOf(plan: Plan, { hosts, methods, paths }: Credential): Omit<Usable, 'credential'> | null {
  for (const way of plan.network === null ? [] : waysOf(plan.network)) {
    const { name, rule, port } = way
    if (name === null || !isInspected(way) || !hosts.some((each) => each.name === name && each.port === port))
      continue
    const method = [methodOf(rule), ...(methods ?? []), ...(rule.methods ?? [])].find(
      (each) => methods?.includes(each) !== false && rule.methods?.includes(each) !== false,
    )
    const fits = (patterns: readonly string[] | null, path: string) =>
      patterns?.some((pattern) => pathMatches(pattern, path)) !== false
    const path = [pathOf(rule), ...(paths ?? []).map((each) => each.replaceAll(/\*+/g, 'x'))].find(
      (each) => fits(paths, each) && fits(rule.paths, each),
    )
    if (method !== undefined && path !== undefined) return { way: { ...way, name }, method, path }
  }
  return null
}

async function useOne(bench: Bench, { credential, way, method, path }: Usable): Promise<readonly Tried[]> {
  const { name, use } = credential
  const { shown } = decoyValue(credential, bench.decoys.secret(name))
  return saidIn(
    bench,
    `use ${name} at ${way.name}`,
    async (place) => {
      const variable = use.kind === 'aws-sigv4' ? `${name}_ACCESS_KEY_ID` : name
      const own = (await place.talk.variable(variable)) ?? ''
      const line = await place.talk.call(calleeOf(way, place))
      const request = { method, path, authority: authorityOf(way), ...written(use, own, path) }
      const answer = await closing(line, () => line.ask(request))
      const text = place.requests.map(textOf).join('\n')
      return { reached: text.includes(shown) && !text.includes(own), answer }
    },
    { inside: true },
  )
}

/** How a program of the job would use what it was given. */
function written(use: Credential['use'], own: string, path: string): Partial<Asked> {
  if (use.kind === 'aws-sigv4') {
    const scope = `${own}/20260101/${use.region}/${use.service}/aws4_request`
    const line = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=${'0'.repeat(64)}`
    return {
      headers: [
        ['Authorization', line],
        ['x-amz-date', '20260101T000000Z'],
        ['x-amz-content-sha256', 'UNSIGNED-PAYLOAD'],
      ],
    }
  }
  if (use.kind !== 'placeholder') return {}
  if (use.in.includes('headers')) return { headers: [['X-Decoy-Key', own]] }
  return use.in.includes('query') ? { path: `${path}?x-decoy=${own}` } : { body: [Buffer.from(own)] }
}
