/** From what skopeo and umoci say, and what the gateway saw, to one sentence and what to do. What they say is hostile: bounded, spelled out. Pure. */
import { ImageError, visible } from '../../errors/index.js'
import type { Fetch } from '../../images/index.js'
import type { PlanRun } from '../plan-runner.js'

const MOST = 300

/** The last line that says something, without what a logger puts before it. */
function said({ stderr }: PlanRun): string {
  const lines = stderr
    .toString('utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('•') && !line.includes('maybe --rootless'))
  const last = lines.at(-1) ?? ''
  const message =
    /msg="((?:[^"\\]|\\.)*)"/.exec(last)?.[1]?.replace(/\\(.)/g, '$1') ?? last.replace(/^⨯ */, '')
  return visible(message).slice(0, MOST)
}

/** @param done what could not be, e.g. `fetched` */
export function complaint(done: string, run: PlanRun): ImageError {
  const { reason, message } = run.outcome.verdict
  if (/no space left on device|disk quota exceeded/i.test(run.stderr.toString('utf8')))
    return new ImageError(
      'image.diskFull',
      'There is no room left in the store.',
      '`glovebox image rm` makes some; nothing of this image was kept.',
    )
  const words = reason === 'exited' ? said(run) : (message ?? reason)
  return new ImageError('image.failed', `The image could not be ${done}: ${words || 'no word of why'}.`, '')
}

type Rule = readonly [pattern: RegExp, code: string, what: string, advice: string]

const RULES: readonly Rule[] = [
  [
    /unauthorized|authentication required|denied|no basic auth|status 40[13]/i,
    'image.denied',
    'The registry does not let this user have it',
    'Log in with `docker login`, `podman login` or `skopeo login`, or name the file with REGISTRY_AUTH_FILE. Is the name right?',
  ],
  [
    /manifest unknown|name unknown|not found|status 404/i,
    'image.notFound',
    'The registry has no such image',
    'Correct the name, tag or digest.',
  ],
  [
    /x509|certificate|tls:/i,
    'image.untrusted',
    "The registry's certificate is not trusted",
    'Put its authority into ~/.config/containers/certs.d/HOST:PORT/ca.crt or /etc/docker/certs.d/HOST:PORT/ca.crt.',
  ],
  [
    /does not match|digest mismatch|unexpected digest/i,
    'image.wrongDigest',
    'The registry gave something else than was asked for',
    'Ask whoever runs the registry.',
  ],
]

/** What the gateway refused comes first: it is why the rest went wrong. */
export function fetchError(run: PlanRun, hosts: Fetch['hosts']): ImageError {
  return refusedOnTheWay(run, hosts) ?? unreachable(run) ?? byWords(run) ?? complaint('fetched', run)
}

const PRIVATE = new Set(['denyPrivate', 'denyLoopback', 'denyOwnAddress', 'denyCgnat', 'denyLinkLocal'])

function refusedOnTheWay({ attempts }: PlanRun, hosts: Fetch['hosts']): ImageError | null {
  const refused = attempts.find(({ verdict, protocol }) => verdict !== 'allow' && protocol !== 'udp')
  if (refused === undefined) return null
  const { name, address, port, verdict } = refused
  const where = visible(`${name ?? address ?? 'somewhere'}${port === null || port === 443 ? '' : `:${port}`}`)
  const named = hosts.some((each) => each.host === (name ?? address) && each.port === port)
  const block =
    PRIVATE.has(verdict) && address !== null
      ? ` --private ${address}${address.includes(':') ? '/128' : '/32'}`
      : ''
  if (named && block !== '')
    return new ImageError(
      'image.unreachable',
      `${where} has the address ${address}, which is not public (${verdict}).`,
      `If that is the registry you mean:${block}.`,
    )
  return new ImageError(
    'image.unreachable',
    `The registry sends to ${where}, which was not allowed (${verdict}).`,
    `If that belongs to the registry, as where its layers are kept often does: --allow-host ${where}${block}.`,
  )
}

function unreachable({ attempts, stderr }: PlanRun): ImageError | null {
  const failed = attempts.find(({ problem }) => problem !== undefined)
  const text = stderr.toString('utf8')
  const lost = /connection refused|no such host|connection reset|i\/o timeout|no route|EOF/i.test(text)
  if (failed === undefined && !lost) return null
  const where = visible(failed?.name ?? failed?.address ?? 'the registry')
  const why = failed?.problem === undefined ? 'no answer' : visible(failed.problem)
  return new ImageError(
    'image.unreachable',
    `${where} can't be reached: ${why}.`,
    'Is it up, and is the port right?',
  )
}

function byWords(run: PlanRun): ImageError | null {
  const text = run.stderr.toString('utf8')
  const rule = RULES.find(([pattern]) => pattern.test(text))
  return rule === undefined ? null : new ImageError(rule[1], `${rule[2]}: ${said(run)}.`, rule[3])
}
