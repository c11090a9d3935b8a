/** What `explain` lists, read as a person would: from its openings' words, not from the plan behind them. */
import type { Explanation, Opening } from '../../src/proof/index.js'

export const HTTP_PORTS = [80, 8080, 9000]
export const TLS_PORTS = [443, 8443]

/** One request that arrived somewhere. */
export interface Arrived {
  readonly method: string
  readonly protocol: 'http' | 'tls'
  readonly name: string
  readonly address: string
  readonly port: number
  /** as it arrived */
  readonly path: string
  /** it had the value of the policy's credential */
  readonly credential: boolean
}

/** Whether an opening is listed that this went through, and one by which it came to its credential. */
export function listsRequest({ openings }: Pick<Explanation, 'openings'>, arrived: Arrived): boolean {
  const network = openings.some((each) => each.way === 'network' && covers(each, arrived))
  return (
    network &&
    (!arrived.credential || openings.some((each) => each.way === 'credential' && gives(each, arrived)))
  )
}

function covers({ to, width }: Opening, arrived: Arrived): boolean {
  const { method, protocol, name, address, port, path } = arrived
  const below = /^every host below (.+)$/.exec(to)?.[1]
  const isHost =
    to === name || to === address || to === 'any public host' || name.endsWith(`.${below ?? ' '}`)
  const ports = width.find((phrase) => phrase.startsWith('port ')) ?? ''
  const kind = new RegExp(`\\b${port} \\(([^)]+)\\)`).exec(ports)?.[1] ?? ''
  const read = kind === 'TLS, looked into'
  const kinds =
    protocol === 'tls'
      ? ['TLS', 'TLS, looked into', 'TLS or HTTP', 'any TCP']
      : ['HTTP', 'TLS or HTTP', 'any TCP']
  const [methods, where] = width.flatMap((phrase) => /^([A-Z, ]+) only(.*)$/.exec(phrase)?.slice(1) ?? [])
  const binds = read ? where === '' : protocol === 'http'
  const isMethod = methods === undefined || !binds || methods.split(', ').includes(method)
  const paths = width.find((phrase) => phrase.startsWith('paths '))?.slice('paths '.length)
  return isHost && kinds.includes(kind) && isMethod && (paths === undefined || isOneOf(paths, path))
}

/** Of a credential the first phrase says for which methods and paths. */
function gives({ to, width: [what = ''] }: Opening, { method, name, path, protocol }: Arrived): boolean {
  const words = what.split(', ')
  const methods = words.filter((word) => !word.startsWith('/'))
  const paths = words.filter((word) => word.startsWith('/')).join(', ')
  return protocol === 'tls' && to === name && methods.includes(method) && isOneOf(paths, path)
}

/** Only `/folder/**`, which is all that the test's policies have. */
const isOneOf = (paths: string, path: string) =>
  paths.split(', ').some((each) => path.startsWith(each.replace(/\*\*$/, '')) && !path.includes('..'))

/** Whether something below this path of the host may be read, by what is listed. */
export function listsReading({ openings }: Pick<Explanation, 'openings'>, path: string): boolean {
  return openings.some(({ way, to }) => (way === 'read' || way === 'live') && isBelow(path, to))
}

export function listsWriting({ openings }: Pick<Explanation, 'openings'>, path: string): boolean {
  return openings.some(({ way, to }) => (way === 'collected' || way === 'live') && isBelow(path, to))
}

const isBelow = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`)
