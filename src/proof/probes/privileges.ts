/** Who the job is: here and to the host, and what it could become. */
import { isOfEngine, MASKED_PROC_FOLDERS } from '../../boundary/index.js'
import { OWN_UID_BASE } from '../../host/index.js'
import type { RequirementId } from '../../plan/index.js'
import { allowing, byEngineAlone, has } from './derive.js'
import type { Bench, Given, Open, Pointless, Probe, SeenRights, Trial, Tried } from './probe.js'
import { attempt, refused } from './refused.js'
import { findable } from './scaled.js'
import type { ThreatId } from './threats.js'

function probe(
  id: string,
  claim: RequirementId,
  threat: ThreatId,
  tries: string,
  trial: (given: Given) => Trial | Pointless,
): Probe {
  return { id, claim, threat, tries, trial }
}

const CAPABLE = /[1-9a-f]/
const held = (set: string) => attempt(['status', set], ({ detail }) => CAPABLE.test(detail))
/** clone(2): a new user namespace */
const USER = '10000000'
/** mount, uts, ipc, pid, network, cgroup */
const OTHERS = ['20000', '4000000', '8000000', '20000000', '40000000', '2000000'] as const

export const privilegeProbes: readonly Probe[] = [
  probe(
    'identity.capabilities',
    'identity.unprivileged',
    'new-privileges',
    'hold a capability in any set',
    () =>
      refused(() => ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map(held), {
        control: () => ['CapPrm', 'CapEff', 'CapBnd'].map(held),
        where: 'privileged',
      }),
  ),
  probe('identity.capget', 'identity.unprivileged', 'new-privileges', 'ask the kernel for capabilities', () =>
    refused(() => [['capget'], ['raise-capability']], { where: 'privileged' }),
  ),
  probe(
    'identity.use',
    'identity.unprivileged',
    'new-privileges',
    'use a capability where the filter lets the call through',
    () => ({
      inside: async (bench) => (await bench.inside(USES, allowing(bench.roomy, USED))).tried,
      control: (bench) => bench.open(USES, 'privileged'),
    }),
  ),
  probe('identity.user', 'identity.unprivileged', 'new-privileges', 'become another user or group', (given) =>
    refused(
      () => [
        ...['0', '1', '65534'].map((id) => ['setuid', id] as const),
        ...['0', '1', '65534'].map((id) => ['setgid', id] as const),
        ['setfsuid', '0'],
        ['setgroups', '0'],
      ],
      {
        control: () => [
          ['setuid', '0'],
          ['setgid', '0'],
          ['setfsuid', '0'],
        ],
        where: openAs(given),
      },
    ),
  ),
  probe(
    'identity.groups',
    'identity.unprivileged',
    'new-privileges',
    "be anyone but the sandbox's own user and group",
    () => {
      const another = ({ boundary, identity: { uid, gid } }: Bench['plan']) =>
        attempt(['ids'], ({ result, detail }) => {
          const [user = '', group] = detail.split(' ')
          // an engine gives ids no other meaning inside: its jobs see the ones that they have on the host
          if (isOfEngine(boundary) && Number(user) >= OWN_UID_BASE && user === group) return false
          return result === 'ok' && (user !== `${uid}` || group !== `${gid}`)
        })
      return refused(({ plan }) => [another(plan)], { where: 'privileged' })
    },
  ),
  probe(
    'identity.outside',
    'identity.own-host-uid',
    'new-privileges',
    'be, to the host, somebody whose files and processes there are',
    ({ host }) => {
      const isSomebody = ({ uid, capabilities }: SeenRights) =>
        capabilities !== 0n || (host.canTakeUids && uid < OWN_UID_BASE)
      const where: Open = host.canTakeUids ? 'caller' : 'privileged'
      return {
        inside: (bench) =>
          seenFromTheHost(bench, isSomebody, ({ words }) =>
            bench.inside([{ words }], findable(bench.roomy, words[1])),
          ),
        control: (bench) => seenFromTheHost(bench, isSomebody, (words) => bench.open([words], where)),
      }
    },
  ),
  probe(
    'identity.privileged-programs',
    'identity.no-new-privileges',
    'new-privileges',
    'execute programs that give privileges',
    ({ caller }) =>
      caller.noNewPrivileges
        ? { pointless: 'whoever verifies may gain none either (no_new_privs)' }
        : refused(() => [attempt(['status', 'NoNewPrivs'], ({ detail }) => detail !== '1')]),
  ),
  probe(
    'identity.mounts',
    'identity.no-new-privileges',
    'new-privileges',
    'find a mount on which setuid programs count',
    (given) =>
      byEngineAlone(given)
        ? { pointless: 'an engine mounts with setuid: by no_new_privs they count nowhere' }
        : refused(() => [
            attempt(['read', '/proc/self/mounts'], ({ detail }) => suidMounts(detail).length > 0),
          ]),
  ),
  probe(
    'identity.file-capability',
    'identity.no-new-privileges',
    'new-privileges',
    'give a file of its own capabilities',
    () =>
      refused(() => [['file-capability', '/tmp']], {
        control: ({ decoys }) => [['file-capability', decoys.folder]],
        where: 'privileged',
      }),
  ),
  ...(['unshare', 'clone', 'clone3'] as const).map((call) =>
    probe(
      `user-namespaces.${call}`,
      'identity.no-user-namespaces',
      'user-namespaces',
      `make a user namespace by ${call}`,
      () => refused(() => [[call, USER]]),
    ),
  ),
  probe(
    'user-namespaces.limit',
    'identity.no-user-namespaces',
    'user-namespaces',
    'make one where the filter lets the calls through',
    ({ plan }) => {
      if (isOfEngine(plan.boundary))
        return {
          pointless: 'an engine has no other wall there, and no policy is held that lets them through',
        }
      const attempts = [attempt(['unshare', USER]), attempt(['clone', USER])]
      return {
        inside: async (bench) =>
          (await bench.inside(attempts, allowing(bench.roomy, ['unshare', 'clone']))).tried,
        control: (bench) => bench.open(attempts),
      }
    },
  ),
  probe(
    'user-namespaces.others',
    'identity.unprivileged',
    'user-namespaces',
    'make a namespace of any other kind',
    () =>
      refused(() => OTHERS.flatMap((kind) => [['unshare', kind] as const, ['clone', kind] as const]), {
        where: 'privileged',
      }),
  ),
]

/** Harmless each: what they change is of their own namespaces. */
const USES = [attempt(['mount', '/tmp']), attempt(['set-host-name']), attempt(['chroot', '/tmp'])]
const USED = ['mount', 'umount2', 'sethostname', 'chroot']

const openAs = (given: Given): Open => (has(given, 'SETUID') ? 'caller' : 'privileged')

/** A process that is found by a word of its own. */
async function seenFromTheHost(
  bench: Bench,
  reached: (seen: SeenRights) => boolean,
  run: (attempt: { words: readonly [string, string, string] }) => Promise<unknown>,
): Promise<Tried[]> {
  const word = bench.view.word()
  const running = run({ words: ['linger', word, '6'] })
  const views = await bench.view.rightsOf(word, running)
  await running
  const seen = views.find(reached) ?? views.at(-1)
  if (seen === undefined)
    return [{ attempt: 'linger', look: { result: 'ended', detail: '' }, reached: false }]
  const detail = `uid ${seen.uid}, capabilities ${seen.capabilities.toString(16)}`
  return [{ attempt: 'linger', look: { result: 'ok', detail }, reached: reached(seen) }]
}

/**
 * Lines of `device place type options 0 0`. An automount holds folders alone, nothing to execute: with systemd there is one
 * for binfmt_misc, which comes along with /proc/sys and lies below what masks it.
 */
export function suidMounts(detail: string): string[] {
  const mounts = detail.match(/\S+ \/\S* \S+ r[ow]\S* 0 0/g) ?? []
  return mounts.filter((mount) => {
    const [, point = '', kind = '', options = ''] = mount.split(' ')
    const each = options.split(',')
    return kind !== 'autofs' && !each.includes('nosuid') && !isEmptyCover(point, kind, each)
  })
}

/** As runtimes mask a folder. That they are empty, `proc.masked-folders` shows. */
function isEmptyCover(point: string, kind: string, options: readonly string[]): boolean {
  return kind === 'tmpfs' && options.includes('ro') && MASKED_PROC_FOLDERS.some((folder) => folder === point)
}
