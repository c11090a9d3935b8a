/**
 * From a name to its addresses, as this host looks them up: its hosts file, then its resolvers, with no search domain and no
 * cache. Each question has a resolver of its own, so that none hears another's answer, and its sockets are gone with it.
 */
import { Resolver } from 'node:dns'
import type { Resolution } from '../messages.js'

/** As many addresses of one family are looked at; the rest is dropped. */
const MAX_ADDRESSES = 16
const TRIES = 2

export type Resolved =
  | { readonly addresses: readonly string[] }
  /** `problem`: what the resolvers said, e.g. `ENOTFOUND`; `late`: nobody said anything in time */
  | { readonly addresses: null; readonly problem: string; readonly late: boolean }

/** Looks names up until `release`. */
export interface Names {
  resolve(name: string, timeoutMs: number): Promise<Resolved>
}

export function namesOf({ servers, hosts }: Resolution): Names {
  const known = new Map(hosts)
  return {
    async resolve(name, timeoutMs) {
      const addresses = known.get(name)
      if (addresses !== undefined) return { addresses }
      return ask(name, servers, timeoutMs)
    },
  }
}

async function ask(name: string, servers: readonly string[], timeoutMs: number): Promise<Resolved> {
  const resolver = new Resolver({ timeout: Math.max(50, Math.floor(timeoutMs / (TRIES + 1))), tries: TRIES })
  try {
    resolver.setServers(servers)
  } catch {
    // what a caller gave as `resolvers` is no address; nothing is looked up, and nobody else's network ends
    return { addresses: null, problem: 'EBADSERVER', late: false }
  }
  let late = false
  const timer = setTimeout(() => {
    late = true
    resolver.cancel()
  }, timeoutMs)
  const [four, six] = await Promise.all([
    answer((done) => resolver.resolve4(name, done)),
    answer((done) => resolver.resolve6(name, done)),
  ])
  clearTimeout(timer)
  const addresses = [...four.addresses, ...six.addresses]
  if (addresses.length > 0) return { addresses }
  const problem = problemOf(four.problem, six.problem)
  return { addresses: null, problem, late: late || problem === 'ETIMEOUT' }
}

interface Answer {
  readonly addresses: readonly string[]
  readonly problem: string | null
}

function answer(asked: (done: (error: NodeJS.ErrnoException | null, addresses: string[]) => void) => void) {
  return new Promise<Answer>((resolve) => {
    asked((error, addresses) => {
      if (error !== null) resolve({ addresses: [], problem: error.code ?? 'EFAIL' })
      else resolve({ addresses: addresses.slice(0, MAX_ADDRESSES), problem: null })
    })
  })
}

/** That there is no address of one family says nothing while the other's question failed. */
function problemOf(four: string | null, six: string | null): string {
  const said = [four, six].filter((problem) => problem !== null)
  return said.find((problem) => problem !== 'ENODATA' && problem !== 'ENOTFOUND') ?? said[0] ?? 'ENODATA'
}
