import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Glovebox, parsePolicy } from '../../src/index.js'
import { type ForwardProxy, type Ports, PROTOCOLS } from './programs.js'

export interface Load {
  /** of connect() alone */
  readonly connectUs: number
  readonly p50us: number
  readonly p99us: number
  /** connections a second, or MB/s: with one connection at a time, and with several */
  readonly alone: number
  readonly together: number
}

export interface Way {
  readonly name: string
  readonly by: string
  readonly protocol: keyof Ports
  readonly load: 'connections' | 'throughput'
  run(): Promise<Load>
}

const CONNECTIONS = 500
const BYTES = 256 << 20
const STREAMS = 32

type Runs = (
  args: readonly string[],
) => Promise<{ seconds: number } & Pick<Load, 'connectUs' | 'p50us' | 'p99us'>>

export function loads(
  client: string,
  ports: Ports,
  relays: Ports,
  proxies: readonly ForwardProxy[],
  glovebox: Glovebox,
  policy: ReturnType<typeof parsePolicy>,
): Way[] {
  const outside: Runs = async (args) => JSON.parse((await promisify(execFile)(client, [...args])).stdout)
  const inside: Runs = async (args) => {
    const result = await glovebox.run(policy, [client, ...args])
    if (!result.ok) throw new Error(`in the sandbox: ${result.message ?? Buffer.from(result.stderr)}`)
    return JSON.parse(result.text())
  }
  return PROTOCOLS.flatMap((protocol) => {
    const port = `${ports[protocol]}`
    return [
      ...both('direct', protocol, outside, ['localhost', port]),
      ...both('gateway', protocol, inside, ['bench.test', port]),
      ...both('Node relay', protocol, outside, ['localhost', `${relays[protocol]}`]),
      ...proxies
        .filter(() => protocol !== 'tls') // for them the same as tcp: CONNECT
        .flatMap((proxy) =>
          both(proxy.name, protocol, outside, ['127.0.0.1', port], ['127.0.0.1', `${proxy.port}`]),
        ),
    ]
  })
}

function both(
  by: string,
  protocol: keyof Ports,
  run: Runs,
  where: readonly [string, string],
  proxy: readonly string[] = [],
): Way[] {
  const client = (verb: string, amount: number, threads: number) =>
    run([verb, ...where, protocol, `${amount}`, `${threads}`, ...proxy])
  const name = `${protocol}, ${by}`
  return [
    {
      name,
      by,
      protocol,
      load: 'connections',
      async run() {
        const one = await client('ask', CONNECTIONS, 1)
        const many = await client('ask', CONNECTIONS, 8)
        const { connectUs, p50us, p99us } = one
        return {
          connectUs,
          p50us,
          p99us,
          alone: CONNECTIONS / one.seconds,
          together: CONNECTIONS / many.seconds,
        }
      },
    },
    {
      name,
      by,
      protocol,
      load: 'throughput',
      async run() {
        const one = await client('pull', BYTES, 1)
        const many = await client('pull', BYTES / STREAMS, STREAMS)
        const rate = (seconds: number) => BYTES / seconds / 1e6
        return { connectUs: 0, p50us: 0, p99us: 0, alone: rate(one.seconds), together: rate(many.seconds) }
      },
    },
  ]
}
