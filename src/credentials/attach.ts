import { held } from '../plan/index.js'
import type { SwapPlace } from '../policy/index.js'
import { formOfS3, type HeadSigner, signer } from './aws/resign.js'
import type { Held, HeldCredentials } from './held.js'
import { whose } from './held.js'
import { placeholdersIn } from './placeholder.js'
import {
  decoded,
  type Pairs,
  plainName,
  type RequestHead,
  rawQuery,
  splitTarget,
  without,
} from './request.js'
import {
  BodySwap,
  bodySpelling,
  type Changed,
  swapHeaders,
  swapQuery,
  withBasic,
  withBearer,
  withHeader,
  withQuery,
} from './uses.js'
import { type CredentialDenial, denied, ended } from './verdicts.js'

export interface Attached {
  readonly kind: 'attached'
  readonly target: string
  readonly headers: Pairs
  /** whose value it carries */
  readonly names: readonly string[]
  /** what the body goes through, after the scan for what may not leave; `null`: nothing */
  readonly swaps: readonly BodySwap[]
  /** the head is not ready until it was signed */
  readonly sign: HeadSigner | null
  /** the host receives a credential: its responses are guarded */
  readonly guarded: boolean
}

export type Attaching = Attached | ({ readonly kind: 'denied' } & CredentialDenial)

/**
 * Puts values into a request that the network's rules allowed, or says why it may not go on. Nothing is spent where it is denied
 * for what it is.
 * @param now `monotonic` for leases, `date` (since 1970) for signatures; ms
 */
export function attach(
  held: HeldCredentials,
  request: RequestHead,
  now: { readonly monotonic: number; readonly date: number },
): Attaching {
  const here = held.all.filter(({ grant }) => isHost(grant, request))
  const fitting = here.filter(({ grant }) => fits(grant, request))
  const marked = marks(held, request, fitting)
  if (!Array.isArray(marked)) return { kind: 'denied', ...marked }
  const chosen = fitting.filter((each) => isCarried(each, marked))
  const foreign = here.some(({ grant }) => grant.use.kind === 'aws-sigv4')
  let signing: ReturnType<typeof signer> | null = null
  if (foreign) {
    const form = formOfS3(here, request)
    if (form !== null) return refuse(held, form)
    signing = signer(fitting, request, now.date)
    if (signing !== null && 'verdict' in signing) return refuse(held, signing)
    const name = signing?.name
    const own = fitting.find(({ grant }) => grant.name === name)
    if (own !== undefined && !chosen.includes(own)) chosen.push(own)
  }
  for (const { grant, lease } of chosen) {
    const by = lease.look(now.monotonic)
    if (by !== null) {
      lease.refuse()
      return { kind: 'denied', ...ended(grant.name, by) }
    }
  }
  for (const { grant, lease } of chosen) {
    const asked = lease.use(now.monotonic)
    if (asked.kind === 'ended') return { kind: 'denied', ...ended(grant.name, asked.by) }
  }
  const swaps: BodySwap[] = []
  let head: RequestHead = request
  for (const each of chosen) head = { ...head, ...changed(each, head, swaps) }
  const headers = here.length === 0 ? head.headers : readable(head.headers)
  // what is signed is the head that goes out
  if (signing !== null) signing = signer(fitting, { ...head, headers }, now.date)
  if (signing !== null && 'verdict' in signing) return refuse(held, signing)
  return {
    kind: 'attached',
    target: head.target,
    headers,
    names: chosen.map(({ grant }) => grant.name),
    swaps,
    sign: signing,
    guarded: here.length > 0,
  }
}

function refuse(held: HeldCredentials, denial: CredentialDenial): Attaching {
  if (denial.name !== null) held.find(denial.name)?.lease.refuse()
  return { kind: 'denied', ...denial }
}

function isHost({ hosts }: Held['grant'], { host, port, secure }: RequestHead): boolean {
  if (!secure && held('credential-tls')) return false
  return !held('credential-hosts') || hosts.some((each) => each.name === host && each.port === port)
}

/** Says what else the request means to servers that believe it, in whichever spelling. */
const OTHER_METHOD = ['x-http-method', 'x-http-method-override', 'x-method-override']
const OTHER_PATH = ['x-original-url', 'x-rewrite-url']

function fits({ methods, paths }: Held['grant'], { method, headers, pathFits }: RequestHead): boolean {
  const says = (names: readonly string[]) => headers.some(([name]) => names.includes(plainName(name)))
  if (methods !== null && held('credential-methods') && (!methods.includes(method) || says(OTHER_METHOD)))
    return false
  return paths === null || !held('credential-paths') || (!says(OTHER_PATH) && pathFits(paths))
}

/** A placeholder that stands where its credential is for. */
interface Mark {
  readonly held: Held
  readonly place: SwapPlace
}

const looksIntoHeads = () => held('credential-heads')
const knowsForeign = () => held('credential-foreign')

/** Every place of the head, looked through for what may not be there. */
function marks(
  held: HeldCredentials,
  request: RequestHead,
  fitting: readonly Held[],
): Mark[] | CredentialDenial {
  const { path, query } = splitTarget(request.target)
  const parts: (readonly [place: SwapPlace | 'path' | 'method', name: string, text: string])[] = [
    ['method', '', request.method],
    ['path', '', path],
    ...rawQuery(query).map(
      ([key, value]) => ['query', decoded(key) ?? key, `${key}=${value ?? ''}`] as const,
    ),
    ...request.headers.map(([name, value]) => ['headers', name.toLowerCase(), `${name}: ${value}`] as const),
  ]
  const found: Mark[] = []
  // most heads hold nothing: one look at all of it says so. What a part holds, the whole holds: no value has a tab, and no reading
  // takes one for the end of a line or a part of an escape
  const whole = Buffer.from(parts.map(([, , text]) => text).join('\t'), 'latin1')
  const suspicious = looksIntoHeads() && held.watched.all.scan(whole).length > 0
  for (const [place, name, text] of suspicious ? parts : []) {
    for (const hit of held.watched.all.scan(Buffer.from(text, 'latin1'))) {
      const { name: owner, placeholder, nowhere } = whose(hit.name)
      const mine = held.find(owner)
      if (mine === undefined || !placeholder) return secret(mine, owner)
      if (
        nowhere ||
        place === 'path' ||
        place === 'method' ||
        !fitting.includes(mine) ||
        !belongs(mine, place, name)
      )
        return elsewhere(mine, request, fitting.includes(mine) ? place : null)
      found.push({ held: mine, place })
    }
  }
  // a value may hold what parts a request into its parts
  const [split] = looksIntoHeads() ? held.watched.values.scan(Buffer.from(request.target, 'latin1')) : []
  if (split !== undefined) return secret(held.find(split.name), split.name)
  // of another sandbox, or of one that is gone: it stands for nothing here
  const strange =
    knowsForeign() &&
    placeholdersIn(whole.toString('latin1')).some((each) => !held.all.some((own) => own.placeholder === each))
  return strange ? denied('denyCredentialElsewhere', null, 'the placeholder is of another sandbox') : found
}

function secret(mine: Held | undefined, name: string): CredentialDenial {
  mine?.lease.refuse()
  return denied(
    'denySecret',
    name,
    `the value of credentials.${name} got into the sandbox: change it at its source`,
  )
}

function elsewhere(mine: Held, { host, port, method }: RequestHead, place: string | null): CredentialDenial {
  mine.lease.refuse()
  const { name } = mine.grant
  const where = port === 443 ? host : `${host}:${port}`
  const hint =
    place === null
      ? `credentials.${name} is not for this: its \`hosts\`, \`methods\` and \`paths\` would have to have ${method} ${where} with the path`
      : `credentials.${name} is not for the ${place === 'headers' ? 'header' : place} that it was in`
  return denied('denyCredentialElsewhere', name, hint)
}

/** Whether its placeholder may stand in this header or under this key. */
function belongs({ grant: { use } }: Held, place: SwapPlace, name: string): boolean {
  switch (use.kind) {
    case 'bearer':
    case 'basic':
      return place === 'headers' && name === 'authorization'
    case 'header':
      return place === 'headers' && name === use.name
    case 'query':
      return place === 'query' && name === use.key
    case 'placeholder':
      return use.in.includes(place)
    case 'aws-sigv4':
      return (
        (place === 'headers' && name === 'authorization') ||
        (place === 'query' && name.toLowerCase() === 'x-amz-credential')
      )
  }
}

/** A use with a place of its own is in every request that fits; of a placeholder, where it stands. */
function isCarried(held: Held, marked: readonly Mark[]): boolean {
  const { use } = held.grant
  if (use.kind === 'aws-sigv4') return false
  if (use.kind !== 'placeholder') return true
  return use.in.includes('body') || marked.some((mark) => mark.held === held)
}

function changed(held: Held, head: RequestHead, swaps: BodySwap[]): Changed {
  const { grant, placeholder, material } = held
  const { use } = grant
  const value = material.kind === 'value' ? material.value.reveal() : null
  if (value === null) return head
  switch (use.kind) {
    case 'bearer':
      return withBearer(head, value)
    case 'basic':
      return withBasic(head, use.user, value)
    case 'header':
      return withHeader(head, use.name, value)
    case 'query':
      return withQuery(head, use.key, value)
    case 'placeholder': {
      const headers = use.in.includes('headers')
        ? swapHeaders(head.headers, placeholder, value)
        : head.headers
      const target = use.in.includes('query') ? swapQuery(head.target, placeholder, value) : head.target
      const type = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? null
      if (use.in.includes('body')) swaps.push(new BodySwap(placeholder, bodySpelling(type)(value)))
      return { target, headers }
    }
    case 'aws-sigv4':
      return head
  }
}

/** Says how the answer, or a message in it, may be packed. */
const PACKS = [
  'accept-encoding',
  'grpc-accept-encoding',
  'connect-accept-encoding',
  'sec-websocket-extensions',
]

/** The answer is to be read: nothing is asked for that it could be packed in. */
function readable(headers: Pairs): Pairs {
  let kept = headers
  for (const name of PACKS) kept = without(kept, name)
  return [...kept, ['Accept-Encoding', 'identity']]
}
