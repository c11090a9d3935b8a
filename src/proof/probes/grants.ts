/** Grants: what is shown can't be changed, what may be written can't do harm, and no way leads out of either. */
import type { Plan } from '../../plan/index.js'
import { granting } from './derive.js'
import {
  type Attempt,
  type Bench,
  type Given,
  type Pointless,
  type Probe,
  type Trial,
  Untried,
} from './probe.js'
import { asAttempt, attempt, refused, type Words } from './refused.js'

/** Where the decoys' own folders are granted; the policy's are only looked at. */
const READ = '/glovebox-verify-granted'
const LIVE = '/glovebox-verify-live'

type Attempts = (folder: string, bench: Bench) => readonly (Words | Attempt)[]

function onDecoys(use: 'read' | 'live', inside: Attempts, control: Attempts = inside): Trial {
  const place = use === 'read' ? READ : LIVE
  return {
    inside: async (bench) => {
      const folder = use === 'read' ? bench.decoys.granted : bench.decoys.live
      const plan: Plan = granting(bench.roomy, use, folder, place)
      return (await bench.inside(inside(place, bench).map(asAttempt), plan)).tried
    },
    control: (bench) => {
      const folder = use === 'read' ? bench.decoys.granted : bench.decoys.live
      return bench.open(control(folder, bench).map(asAttempt))
    },
  }
}

const MODES = [
  'chmod',
  'fchmod',
  'fchmodat',
  'open',
  'openat',
  'openat2',
  'tmpfile',
  'creat',
  'mknod',
] as const
const setid: Attempts = (folder) =>
  MODES.flatMap((call) => ['4755', '2755'].map((bits): Words => ['setid', call, folder, bits]))

function read(id: string, tries: string, trial: (given: Given) => Trial | Pointless): Probe {
  return { id: `grants.${id}`, claim: 'files.read-grants', threat: 'grants', tries, trial }
}

function live(id: string, threat: Probe['threat'], tries: string, trial: () => Trial): Probe {
  return { id: `live.${id}`, claim: 'files.live-writes', threat, tries, trial }
}

const outside =
  (bench: Bench): NonNullable<Attempt['reached']> =>
  ({ detail }) =>
    detail.includes(bench.decoys.canary)

/** The canary lies beside the folder that is granted. */
const leaving: Attempts = (folder, bench) => [
  attempt(['read', `${folder}/../canary`], outside(bench)),
  attempt(['read', `${folder}/.././../${bench.decoys.file}`], outside(bench)),
]
const leavingInTheOpen: Attempts = (folder, bench) => [
  attempt(['read', `${folder}/../canary`], outside(bench)),
]

/** As if its folder had been replaced since the policy was read: such a start is refused. */
function replaced(): Trial {
  const words = (folder: string, { decoys }: Bench) =>
    attempt(['read', `${folder}/file`], ({ detail }) => detail.includes(decoys.canary))
  const inside = async (bench: Bench) => {
    try {
      const plan = granting(bench.roomy, 'read', bench.decoys.linked, READ)
      return (await bench.inside([words(READ, bench)], plan)).tried
    } catch (error) {
      if (!(error instanceof Untried && /granted path was replaced/.test(error.message))) throw error
      const look = { result: 'ELOOP', detail: error.message }
      return [{ attempt: 'start with a link in place of the granted folder', look, reached: false }]
    }
  }
  return { inside, control: (bench) => bench.open([words(bench.decoys.linked, bench)]) }
}

export const grantProbes: readonly Probe[] = [
  read('write', 'write to a file in a read grant', () =>
    onDecoys('read', (folder) => [
      ['write', `${folder}/file`],
      ['overwrite', `${folder}/file`],
    ]),
  ),
  read('create', 'make and link files in a read grant', () =>
    onDecoys('read', (folder) => [
      ['create', folder],
      ['hard-link', `${folder}/file`, folder],
      ['setid-folder', folder],
    ]),
  ),
  read('modes', 'change modes in a read grant', () => onDecoys('read', setid)),
  read('socket', "connect to a service's socket in a read grant", () =>
    onDecoys('read', (folder) => [['unix', `${folder}/socket`]]),
  ),
  read('datagram', 'send a datagram to a path in a read grant, by a pair of sockets', () =>
    onDecoys(
      'read',
      // EPROTOTYPE: it got as far as the socket, which takes no datagrams
      (folder) => [attempt(['unix-pair', `${folder}/socket`], isReached)],
    ),
  ),
  read('leave', 'leave a read grant upwards', () => onDecoys('read', leaving, leavingInTheOpen)),
  read('replaced', 'have a link in place of the granted folder followed', replaced),
  read('given', 'write to what the policy itself grants for reading; nothing of it is opened', ({ plan }) => {
    const places = plan.files.read.slice(0, 8).map(({ inside }) => inside)
    return refused(() => places.map((place) => ['may-write', place] as const), {
      control: ({ decoys }) => [['may-write', decoys.granted]],
    })
  }),
  live('modes', 'setuid-bits', 'leave a setuid or setgid file in a live grant', () =>
    onDecoys('live', setid),
  ),
  live('folder', 'setuid-bits', 'leave a folder in a live grant that gives its group away', () =>
    onDecoys('live', (folder) => [['setid-folder', folder]]),
  ),
  live('devices', 'device-nodes', 'leave a device or a whiteout in a live grant', () =>
    onDecoys(
      'live',
      (folder) => ['character', 'block', 'whiteout', 'rename'].map((kind) => ['node', kind, folder] as const),
      (folder) => [['node', 'whiteout', folder]],
    ),
  ),
  live('leave', 'grants', 'leave a live grant upwards', () => onDecoys('live', leaving, leavingInTheOpen)),
  live('links', 'hard-links', 'link what is shown elsewhere into a live grant', () =>
    onDecoys(
      'live',
      (folder) => [
        ['hard-link', '/usr/bin/env', folder],
        ['hard-link-fd', '/usr/bin/env', folder],
      ],
      (folder, { decoys }) => [['hard-link', decoys.file, folder]],
    ),
  ),
]

function isReached({ result }: { result: string }): boolean {
  return result === 'ok' || result === 'EPROTOTYPE'
}
