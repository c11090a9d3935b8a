/** Every opening that a plan leaves in the walls, and how wide it is. Pure. */
import { credentialLines } from '../credentials/index.js'
import type { Plan, RootPlan } from '../plan/index.js'
import { hostText } from '../policy/index.js'
import { formatSize } from '../units/index.js'
import { hostWords, ruleWidth } from './reach.js'
import { MACHINE } from './root.js'

/** What passes: connections of the job; requests of it that carry a credential; what it reads; what leaves when it has ended; what it writes at once; its streams. */
export type Way = 'network' | 'credential' | 'loopback' | 'read' | 'collected' | 'live' | 'streams'

export interface Opening {
  /** the key of the policy that made it, e.g. `network.allow[0]`; `streams` and `machine`, which no key takes away */
  readonly name: string
  readonly way: Way
  /** what lies behind it: a host, a path of the host */
  readonly to: string
  /** by what it is bounded, a phrase each */
  readonly width: readonly string[]
  /** how much lies behind it: 1, one thing that was named, to 4, more than anyone can list */
  readonly size: 1 | 2 | 3 | 4
}

export function openings({ files, network, credentials, lifetime, limits }: Plan): Opening[] {
  const reach = network?.rules ?? []
  return [
    {
      name: 'streams',
      way: 'streams',
      to: 'standard input, output and error',
      width: [`${formatSize(limits.outputBytes)} out`, 'as bytes, read by nobody on the way'],
      size: 1,
    },
    ...reach.map(
      (rule): Opening => ({
        name: rule.name,
        way: 'network',
        to: hostWords(rule.host),
        width: ruleWidth(rule),
        size: rule.host.kind === 'public' ? 4 : rule.host.kind === 'below' || rule.private.length > 0 ? 3 : 2,
      }),
    ),
    ...(network?.loopback ? [LOOPBACK] : []),
    ...credentials.map((credential): Opening => {
      const { name, use, life, source } = credentialLines(credential, lifetime.deadlineMs)
      const { hosts, methods, paths } = credential
      const requests = [methods?.join(', ') ?? 'any method', paths?.join(', ') ?? 'any path'].join(', ')
      return {
        name: `credentials.${name}`,
        way: 'credential',
        to: hosts.map(hostText).join(', '),
        width: [requests, use, life, source],
        size: methods === null && paths === null ? 3 : 2,
      }
    }),
    rootOpening(files.root),
    MACHINE_OPENING,
    ...files.read.map(
      ({ host, inside }): Opening => ({
        name: 'files.read',
        way: 'read',
        to: host,
        width: ['to read', ...shownAs(host, inside)],
        size: 2,
      }),
    ),
    ...files.write.map(
      ({ host, inside }): Opening => ({
        name: 'files.write',
        way: 'collected',
        to: host,
        width: [
          `plain files of ${inside}, once the job has ended`,
          `at most ${formatSize(files.scratch.bytes)}`,
        ],
        size: 2,
      }),
    ),
    ...files.live.map(
      ({ host, inside }): Opening => ({
        name: 'files.write',
        way: 'live',
        to: host,
        width: ['to read and to write, at once', 'as much as fits there', ...shownAs(host, inside)],
        size: 3,
      }),
    ),
  ]
}

const LOOPBACK: Opening = {
  name: 'network.loopback',
  way: 'loopback',
  to: 'its own servers',
  width: ['on 127.0.0.0/8 and ::1 inside, which lead nowhere else'],
  size: 1,
}

const MACHINE_OPENING: Opening = {
  name: 'machine',
  way: 'read',
  to: 'the machine',
  width: MACHINE,
  size: 1,
}

function rootOpening(root: RootPlan): Opening {
  const opening = (to: string, ...width: string[]): Opening => ({
    name: 'root',
    way: 'read',
    to,
    width: ['to read and execute', ...width],
    size: 2,
  })
  switch (root.kind) {
    case 'host':
      return opening('/usr', "the host's programs and libraries", 'of /etc what programs need')
    case 'dir':
      return opening(root.path, 'shown as /')
    case 'image':
      return opening(root.reference, root.digest, 'shown as /')
  }
}

const shownAs = (host: string, inside: string) => (host === inside ? [] : [`shown as ${inside}`])
