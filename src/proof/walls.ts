/** The walls round a job, each as whole as the claims that it is made of. Pure. */
import type { Claim, Plan, RequirementId } from '../plan/index.js'

export interface Wall {
  readonly name: string
  /** what it keeps the job from */
  readonly what: string
  /** `whole`: each of its claims is kept; `holed`: some are; `absent`: none is */
  readonly state: 'whole' | 'holed' | 'absent'
  /** the claims that it is made of, where they apply */
  readonly claims: readonly RequirementId[]
  /** why it is not whole; empty when it is */
  readonly why: readonly string[]
}

/** From the job outwards: name, and what it keeps the job from. */
const WALLS = {
  calls: ['system calls', 'most of the kernel does not answer'],
  privileges: ['privileges', 'nobody inside and outside, and no way to become somebody'],
  world: ['a world of its own', "other processes, files, devices and names of the host don't exist"],
  network: ['the network', 'no way out but what is named, and none where nothing is'],
  limits: ['limits', 'it takes no more than its share, and ends'],
  files: ['a second wall for files', 'should a mount have a hole'],
  module: ["the host's security module", 'should another wall have a hole'],
} as const

interface Standing {
  /** the wall that the promise is part of; `null`: it says how something is counted, collected or written down */
  readonly wall: keyof typeof WALLS | null
  /** of an opening: where that is gone, nothing is lost with it */
  readonly ofOpening?: true
}

/** Where each promise stands. A missing line does not compile. */
export const STANDING: { readonly [Id in RequirementId]: Standing } = {
  'identity.unprivileged': { wall: 'privileges' },
  'identity.own-host-uid': { wall: 'privileges' },
  'identity.no-new-privileges': { wall: 'privileges' },
  'identity.no-user-namespaces': { wall: 'privileges' },
  'isolation.processes': { wall: 'world' },
  'isolation.ipc': { wall: 'world' },
  'isolation.host-name': { wall: 'world' },
  'isolation.cgroup-view': { wall: 'world' },
  'isolation.no-terminal': { wall: 'world' },
  'isolation.nothing-inherited': { wall: 'world' },
  'isolation.security-module': { wall: 'module' },
  'isolation.known-escapes': { wall: 'world' },
  'files.root-read-only': { wall: 'world' },
  'files.host-hidden': { wall: 'world' },
  'files.devices': { wall: 'world' },
  'files.proc': { wall: 'world' },
  'files.scratch-bounded': { wall: 'limits' },
  'files.read-grants': { wall: null, ofOpening: true },
  'files.write-collected': { wall: null, ofOpening: true },
  'files.live-writes': { wall: null, ofOpening: true },
  'files.second-wall': { wall: 'files' },
  'network.none': { wall: 'network' },
  'network.gateway-only': { wall: 'network', ofOpening: true },
  'network.no-datagrams': { wall: 'network', ofOpening: true },
  'network.names': { wall: 'network', ofOpening: true },
  'network.checked-address': { wall: 'network', ofOpening: true },
  'network.no-metadata': { wall: 'network', ofOpening: true },
  'network.no-host-services': { wall: 'network', ofOpening: true },
  'network.tls-name': { wall: null, ofOpening: true },
  'network.http-rewritten': { wall: null, ofOpening: true },
  'network.inspected': { wall: null, ofOpening: true },
  'network.budgets': { wall: null, ofOpening: true },
  'network.recorded': { wall: null, ofOpening: true },
  'credentials.never-inside': { wall: null, ofOpening: true },
  'credentials.bound-to-host': { wall: null, ofOpening: true },
  'credentials.no-placeholder-elsewhere': { wall: null, ofOpening: true },
  'credentials.leased': { wall: null, ofOpening: true },
  'credentials.no-reflection': { wall: null, ofOpening: true },
  'credentials.not-written': { wall: null, ofOpening: true },
  'syscalls.profile': { wall: 'calls' },
  'syscalls.native-abi-only': { wall: 'calls' },
  'syscalls.no-sockets': { wall: 'calls' },
  'syscalls.no-exec': { wall: 'calls' },
  'syscalls.lock': { wall: null },
  'limits.memory': { wall: 'limits' },
  'limits.cpus': { wall: 'limits' },
  'limits.processes': { wall: 'limits' },
  'limits.open-files': { wall: 'limits' },
  'limits.output': { wall: 'limits' },
  'limits.no-core-dumps': { wall: null },
  'lifetime.deadline': { wall: 'limits' },
  'lifetime.no-output': { wall: null },
  'lifetime.bound-to-supervisor': { wall: 'limits' },
  'lifetime.single-use': { wall: null },
  'lifetime.one-tenant': { wall: null, ofOpening: true },
  'lifetime.empty': { wall: null },
  'lifetime.nothing-left': { wall: 'limits' },
}

export function walls({ claims }: Pick<Plan, 'claims'>): Wall[] {
  return Object.entries(WALLS).flatMap(([wall, [name, what]]): Wall[] => {
    const made = claims.filter((claim) => STANDING[claim.id].wall === wall && asked(claim))
    if (made.length === 0) return []
    const kept = made.filter(({ status }) => status === 'enforced')
    const state = kept.length === made.length ? 'whole' : kept.length === 0 ? 'absent' : 'holed'
    const why = made.flatMap((claim) => (claim.status === 'enforced' ? [] : [whyNot(claim)]))
    return [{ name, what, state, claims: made.map(({ id }) => id), why }]
  })
}

/** What the policy asks nothing of is no part of a wall; what this host lacks is. */
const asked = ({ status, absence }: Claim): boolean => status !== 'notApplicable' || absence !== null

function whyNot({ id, status, refusal, absence }: Claim): string {
  return status === 'waived' ? `${id} is waived.` : (absence ?? refusal?.why ?? `${id} is not kept.`)
}
