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

/** From the job outwards. */
const WALLS: readonly (readonly [name: string, what: string, claims: readonly RequirementId[]])[] = [
  [
    'system calls',
    'most of the kernel does not answer',
    ['syscalls.profile', 'syscalls.native-abi-only', 'syscalls.no-sockets', 'syscalls.no-exec'],
  ],
  [
    'privileges',
    'nobody inside and outside, and no way to become somebody',
    [
      'identity.unprivileged',
      'identity.own-host-uid',
      'identity.no-new-privileges',
      'identity.no-user-namespaces',
    ],
  ],
  [
    'a world of its own',
    "other processes, files, devices and names of the host don't exist",
    [
      'isolation.processes',
      'isolation.ipc',
      'isolation.host-name',
      'isolation.cgroup-view',
      'isolation.no-terminal',
      'isolation.nothing-inherited',
      'files.root-read-only',
      'files.host-hidden',
      'files.devices',
      'files.proc',
    ],
  ],
  [
    'the network',
    'no way out but what is named, and none where nothing is',
    [
      'network.none',
      'network.gateway-only',
      'network.no-datagrams',
      'network.names',
      'network.checked-address',
      'network.no-metadata',
      'network.no-host-services',
    ],
  ],
  [
    'limits',
    'it takes no more than its share, and ends',
    [
      'limits.memory',
      'limits.cpus',
      'limits.processes',
      'limits.open-files',
      'limits.output',
      'files.scratch-bounded',
      'lifetime.deadline',
      'lifetime.bound-to-supervisor',
      'lifetime.nothing-left',
    ],
  ],
  ['a second wall for files', 'should a mount have a hole', ['files.second-wall']],
  ["the host's security module", 'should another wall have a hole', ['isolation.security-module']],
]

export function walls({ claims }: Pick<Plan, 'claims'>): Wall[] {
  return WALLS.flatMap(([name, what, ids]) => {
    const made = claims.filter((claim) => ids.includes(claim.id) && asked(claim))
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
