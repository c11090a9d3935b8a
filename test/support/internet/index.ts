/**
 * A small internet for tests, made of two network namespaces. On the near side runs Glovebox, on a "host" with the address 10.99.0.2
 * and a name server; on the far side every address there is, IPv4 and IPv6, belongs to one machine, which plays whatever
 * sites a test wants (`world.ts`) and writes down each connection that reaches it. Nothing leaves the machine.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Finished, finished } from '../spawned.js'
import { SUITE_IS_ROOT, type TestUser } from '../users.js'

/** What the far side saw: one entry a connection or question for a name. */
export interface Seen {
  readonly kind: 'tcp' | 'dns'
  /** of TCP: the destination */
  readonly address?: string
  readonly port?: number
  /** of DNS: what was asked for */
  readonly name?: string
  readonly type?: string
}

/** Answers to questions for a name, in turn: the last one stays. An empty list: the name exists and has no address. */
export type Zone = Readonly<Record<string, readonly (readonly string[])[]>>

export interface InternetOptions {
  readonly zone: Zone
  /** an ES module of the far side, default export `(net: World) => void`; default: only the name server */
  readonly sites?: string
  /** lines of the near side's /etc/hosts */
  readonly hosts?: readonly string[]
  /** a file of PEM: whom the near side's machine believes, after what it has; absent: the machine's own */
  readonly authorities?: string
  readonly env?: NodeJS.ProcessEnv
  readonly timeoutMs?: number
}

/** Of the near side's only link: a machine of the same private network, which plays every other address too. */
export const HOST_ADDRESS = '10.99.0.2'
/** … and of a bridge on which nobody is: no carrier, and local all the same. */
export const QUIET_ADDRESS = '10.77.0.1'
export const ROUTER_ADDRESS = '10.99.0.1'

const WORLD = fileURLToPath(new URL('world.js', import.meta.url))

/** Runs `argv` as `user` on the near side, to its end; `seen`: what reached the far side. */
export async function onInternet(
  user: TestUser,
  folder: string,
  argv: readonly string[],
  { zone, sites = '', hosts = [], authorities = '', env = {}, timeoutMs = 120_000 }: InternetOptions,
): Promise<Finished & { readonly seen: readonly Seen[] }> {
  const state = join(folder, `internet-${process.hrtime.bigint()}`)
  mkdirSync(state, { mode: 0o755 })
  writeFileSync(join(state, 'zone.json'), JSON.stringify(zone))
  writeFileSync(join(state, 'resolv.conf'), 'nameserver 9.9.9.9\n', { mode: 0o644 })
  writeFileSync(join(state, 'hosts'), ['127.0.0.1 localhost', '::1 localhost', ...hosts, ''].join('\n'), {
    mode: 0o644,
  })
  const result = await finished(
    [
      ...OWN_NAMESPACES,
      '/bin/sh',
      '-euc',
      NEAR_SIDE,
      'sh',
      state,
      WORLD,
      sites,
      ...user.as(AS_NOBODY_SPECIAL(argv)),
    ],
    {
      cwd: '/',
      env: { PATH: process.env.PATH, HOME: '/', NODE: process.execPath, AUTHORITIES: authorities, ...env },
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    },
  )
  return { ...result, seen: seenIn(join(state, 'seen')) }
}

/** A suite that is not root makes its namespaces in a user namespace, and runs the command in another, where it is nobody again. */
const OWN_NAMESPACES = SUITE_IS_ROOT
  ? ['unshare', '--net', '--mount']
  : ['unshare', '--user', '--map-root-user', '--net', '--mount']
const AS_NOBODY_SPECIAL = (argv: readonly string[]) =>
  SUITE_IS_ROOT
    ? argv
    : ['unshare', '--user', `--map-user=${process.getuid?.()}`, `--map-group=${process.getgid?.()}`, ...argv]

/** `$1` the folder, `$2` the world's script, `$3` its sites; the rest: the command. */
const NEAR_SIDE = `
state=$1 world=$2 sites=$3; shift 3
ip link set lo up
unshare --net --pid --fork --kill-child /bin/sh -euc '
  ip link set lo up
  ip route add local 0.0.0.0/0 dev lo
  ip -6 route add local ::/0 dev lo table main
  : > "$1/made"
  until ip link show world >/dev/null 2>&1; do sleep 0.01; done
  ip addr add ${ROUTER_ADDRESS}/24 dev world
  ip addr add fd99::1/64 dev world nodad
  ip link set world up
  exec "$NODE" "$2" "$1" "$3"
' sh "$state" "$world" "$sites" &
far=$!
trap 'kill -9 $far 2>/dev/null || :' EXIT # and with it all that it started: they have a pid namespace
until [ -e "$state/made" ]; do sleep 0.01; done
ip link add uplink type veth peer name world netns $far
ip addr add ${HOST_ADDRESS}/24 dev uplink
ip addr add fd99::2/64 dev uplink nodad
ip link set uplink up
ip link add quiet type veth peer name nobody
ip addr add ${QUIET_ADDRESS}/24 dev quiet
ip link set quiet up
ip route add default via ${ROUTER_ADDRESS}
ip -6 route add default via fd99::1
mount --bind "$state/resolv.conf" "$(readlink -f /etc/resolv.conf)"
mount --bind "$state/hosts" /etc/hosts
if [ -n "$AUTHORITIES" ]; then
  cat /etc/ssl/certs/ca-certificates.crt "$AUTHORITIES" > "$state/bundle"
  mount --bind "$state/bundle" "$(readlink -f /etc/ssl/certs/ca-certificates.crt)"
fi
tries=0
until [ -e "$state/ready" ]; do
  sleep 0.02; tries=$((tries + 1))
  kill -0 $far 2>/dev/null && [ $tries -lt 500 ] || { echo "the far side did not come up" >&2; exit 99; }
done
status=0
"$@" || status=$?
exit $status
`

function seenIn(file: string): Seen[] {
  try {
    const lines = readFileSync(file, 'utf8').split('\n')
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Seen)
  } catch {
    return []
  }
}
