/**
 * The gateway's process. It serves the sandboxes of one supervisor, decides nothing itself (`src/network` does), and ends when the
 * channel to the supervisor does.
 */
import {
  answerQuery,
  Budget,
  ClientHelloReader,
  classifyAddress,
  judgeRequest,
  rulesFor,
  SyntheticAddresses,
  type Target,
} from '../../network/index.js'
import type { NetworkPlan, NetworkRule } from '../../plan/index.js'
import type { FromGateway, Resolution, ToGateway } from '../messages.js'
import { Attached } from './attached.js'
import { loadHttp } from './http-later.js'
import { type Inspection, Roots } from './inspect/later.js'
import { ownAddresses } from './own-addresses.js'

/** Of all sandboxes together: each connection holds up to two descriptors and some buffers. */
const MAX_CONNECTIONS = 8192

/** Ends at once: what nobody hears is not tried again. */
const FAILED = 70

export function main(): void {
  // not Date: a clock that is set back must not make a second longer, nor a limit shorter
  const now = () => performance.now()
  const total = new Budget(
    {
      maxConnections: connectionsFor(process.env.GLOVEBOX_OPEN_FILES),
      maxRate: null,
      maxUploadBytes: null,
      maxDownloadBytes: null,
    },
    now,
  )
  const surroundings = { now, own: ownAddresses(now), total }
  const sandboxes = new Map<number, Attached>()
  const inspections = new Map<number, Inspection>()
  const roots = new Roots()
  let resolution: Resolution = { servers: [], hosts: [] }

  const tell = (news: FromGateway) => {
    if (process.connected) process.send?.(news)
  }
  const makeAuthority = (id: number, network: NetworkPlan) => {
    roots.inspectionOf(network).then(
      (inspection) => {
        inspections.set(id, inspection)
        tell({ kind: 'authority', id, certificate: inspection.authority.certificate })
      },
      (error: Error) => tell({ kind: 'refused', id, why: error.message }),
    )
  }
  process.on('message', (message, handle) => {
    const said = message as ToGateway
    if (said.kind === 'resolution') resolution = said.resolution
    else if (said.kind === 'roots') roots.pem = said.roots
    else if (said.kind === 'authority') makeAuthority(said.id, said.network)
    else if (said.kind === 'attach') {
      const { id, network, ends, authority } = said
      const inspection = authority === null ? null : (inspections.get(authority) ?? null)
      sandboxes.set(
        id,
        new Attached(id, network, ends, resolution, surroundings, tell, inspection, said.credentials),
      )
    } else if (said.kind === 'end') sandboxes.get(said.id)?.take(said.end, handle as object | undefined)
    else if (said.kind === 'revoke') void sandboxes.get(said.id)?.revoke(said.name)
    else if (said.kind === 'renew') void sandboxes.get(said.id)?.renew(said.name, said.value, said.livesMs)
    else if (said.kind === 'release') inspections.delete(said.id)
    else {
      sandboxes.get(said.id)?.end()
      sandboxes.delete(said.id)
    }
  })
  process.on('disconnect', () => process.exit(0))
  // without a listener Node opens its inspector for whoever can signal, and with it all that is in memory
  process.on('SIGUSR1', () => {})
  // a mistake of the gateway's own ends it, and with it every sandbox's network: it must not go on half-right
  process.on('uncaughtException', (error) => {
    const text = [...sandboxes.values()].reduce(
      (said, sandbox) => sandbox.redacted(said),
      `gateway: ${error.stack ?? error}\n`,
    )
    process.stderr.write(text, () => process.exit(FAILED))
    setTimeout(() => process.exit(FAILED), 100)
  })
  tell({ kind: 'ready' })
  setTimeout(loadHttp, 0)
}

/** What a start runs, and the first connections: the build keeps what V8 compiles of it. */
export async function warm(): Promise<void> {
  const port = 443
  const rule: NetworkRule = {
    name: 'network.allow[0]',
    host: { kind: 'name', name: 'warm.test' },
    ports: [{ port, protocol: 'http' }],
    inspect: false,
    methods: null,
    paths: null,
    upgrade: false,
    private: [],
    budget: { maxUploadBytes: null, maxDownloadBytes: null, maxConnections: null, maxRate: null },
  }
  const budget = { maxUploadBytes: 1, maxDownloadBytes: 1, maxConnections: 1, maxRate: 1 }
  const timeouts = { connectMs: 1, headMs: 1, idleMs: 1 }
  const plan: NetworkPlan = { rules: [rule], loopback: false, resolver: '198.18.0.53', budget, timeouts }
  const now = () => performance.now()
  const surroundings = { now, own: ownAddresses(now), total: new Budget(budget, now) }
  void surroundings.own([])
  new Attached(0, plan, 0, { servers: [], hosts: [] }, surroundings, () => {}).end()
  const target: Target = { kind: 'name', name: 'warm.test' }
  rulesFor(plan, target, port)
  classifyAddress('192.0.2.1', [], [])
  new ClientHelloReader().push(Buffer.from('160301000501000001000303', 'hex'))
  answerQuery(
    Buffer.from('000101000001000000000000047761726d0474657374000001 0001'.replace(' ', ''), 'hex'),
    {
      allows: () => true,
      addresses: new SyntheticAddresses(),
      loopback: false,
    },
  )
  const head = { method: 'GET', url: '/', rawHeaders: ['Host', 'warm.test:443'], httpVersion: '1.1' }
  judgeRequest(head, target, port, [rule])
  await loadHttp()
}

/** Of the descriptors that there are, so many are for listening, for names and for Node itself, unless that is more than half. */
const OWN_DESCRIPTORS = 128

/** A connection holds two descriptors, and one more while its name is looked up. What the kernel has to refuse is not on record. */
function connectionsFor(openFiles: string | undefined): number {
  const descriptors = Number(openFiles) || 0
  const left = descriptors - Math.min(OWN_DESCRIPTORS, Math.ceil(descriptors / 2))
  return Math.max(1, Math.min(MAX_CONNECTIONS, Math.floor(left / 3)))
}
