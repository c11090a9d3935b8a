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
}

/** Whether an opening is listed that this went through. */
export function listsRequest({ openings }: Pick<Explanation, 'openings'>, arrived: Arrived): boolean {
  return openings.some((each) => each.way === 'network' && covers(each, arrived))
}

function covers({ to, width }: Opening, { method, protocol, name, address, port }: Arrived): boolean {
  const below = /^every host below (.+)$/.exec(to)?.[1]
  const isHost =
    to === name || to === address || to === 'any public host' || name.endsWith(`.${below ?? ' '}`)
  const ports = width.find((phrase) => phrase.startsWith('port ')) ?? ''
  const kind = new RegExp(`\\b${port} \\(([^)]+)\\)`).exec(ports)?.[1]
  const kinds = protocol === 'tls' ? ['TLS', 'TLS or HTTP', 'any TCP'] : ['HTTP', 'TLS or HTTP', 'any TCP']
  const methods = width.find((phrase) => phrase.includes(' only, where HTTP is clear'))?.split(' only,')[0]
  const isMethod = protocol === 'tls' || methods === undefined || methods.split(', ').includes(method)
  return isHost && kind !== undefined && kinds.includes(kind) && isMethod
}

/** Whether something below this path of the host may be read, by what is listed. */
export function listsReading({ openings }: Pick<Explanation, 'openings'>, path: string): boolean {
  return openings.some(({ way, to }) => (way === 'read' || way === 'live') && isBelow(path, to))
}

export function listsWriting({ openings }: Pick<Explanation, 'openings'>, path: string): boolean {
  return openings.some(({ way, to }) => (way === 'collected' || way === 'live') && isBelow(path, to))
}

const isBelow = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`)
