/** How this host looks names up: /etc/resolv.conf and /etc/hosts, read again when they have changed. */
import { readFileSync, statSync } from 'node:fs'
import { isIP } from 'node:net'
import type { Resolution } from './messages.js'

const RESOLV_CONF = '/etc/resolv.conf'
const HOSTS = '/etc/hosts'
/** Lists of hosts to block have a hundred thousand lines; more than that is no hosts file. */
const MAX_FILE_BYTES = 16 << 20
/** as the C library */
const MAX_SERVERS = 3

export interface ResolutionOptions {
  /** `address:port`, in place of this host's resolv.conf */
  readonly resolvers?: readonly string[]
  /** names and their addresses, in place of this host's hosts file */
  readonly hosts?: Readonly<Record<string, readonly string[]>>
}

/** Gives the resolution of now, and the same object as long as nothing has changed. */
export function resolutionSource(options: ResolutionOptions): () => Resolution {
  const servers = options.resolvers
  const hosts =
    options.hosts && Object.entries(options.hosts).map(([name, all]) => [canonical(name), all] as const)
  const serversOf = servers === undefined ? whenChanged(RESOLV_CONF, serversIn) : () => servers
  const hostsOf = hosts === undefined ? whenChanged(HOSTS, hostsIn) : () => hosts
  let last: Resolution | null = null
  return () => {
    const now = { servers: serversOf(), hosts: hostsOf() }
    if (last?.servers !== now.servers || last.hosts !== now.hosts) last = now
    return last
  }
}

/** The `nameserver` lines, resolv.conf(5). Search domains are not looked at: a name is what the policy says it is. */
export function serversIn(text: string): string[] {
  const servers = [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)]
    .map(([, address = '']) => address)
    // an address with a zone means something on one interface only, which c-ares can't be told
    .filter((address) => isIP(address) !== 0 && !address.includes('%'))
    .map((address) => (isIP(address) === 6 ? `[${address}]:53` : `${address}:53`))
  return servers.length === 0 ? ['127.0.0.1:53'] : servers.slice(0, MAX_SERVERS)
}

/** hosts(5): an address, then its names. A name on several lines has all their addresses. */
export function hostsIn(text: string): (readonly [string, readonly string[]])[] {
  const found = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [address = '', ...names] = (line.split('#', 1)[0] ?? '').trim().split(/\s+/)
    if (isIP(address) === 0 || address.includes('%')) continue
    for (const name of new Set(names.map(canonical))) {
      const addresses = found.get(name)
      if (addresses === undefined) found.set(name, [address])
      else if (!addresses.includes(address)) addresses.push(address)
    }
  }
  return [...found]
}

const canonical = (name: string) => name.toLowerCase().replace(/\.$/, '')

/** `parse` of the file, again when its time, size or inode is another. One that can't be read is empty. */
function whenChanged<T>(file: string, parse: (text: string) => T): () => T {
  let seen = ''
  let value = parse('')
  return () => {
    const found = statSync(file, { throwIfNoEntry: false, bigint: true })
    const mark = found === undefined ? '' : `${found.ino} ${found.mtimeNs} ${found.size}`
    if (mark !== seen) {
      value = parse(found === undefined || found.size > MAX_FILE_BYTES ? '' : read(file))
      seen = mark
    }
    return value
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
