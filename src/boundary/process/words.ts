/** The plan in bubblewrap's words. Pure; golden-tested. */
import type { HostFacts } from '../../host/index.js'
import { InForce, type Plan } from '../../plan/index.js'
import type { MechanismId } from '../answers/mechanisms.js'
import { devWords, isHosts, procWords, rootWords } from './root-words.js'

/** Descriptors that cell hands to bubblewrap, see `native/cell/cell.h`. */
const FILTER_FD = '8'
const INFO_FD = '10'

/** @param devices of this host, which are bound besides */
export function bubblewrapWords(
  plan: Plan,
  host: HostFacts,
  inForce = InForce.all,
  devices: readonly string[] = [],
): string[] {
  const by: By = (mechanism, ...words) => (inForce.on(mechanism) ? words : [])
  const { uid, gid, hostName } = inForce.on('unprivileged-ids')
    ? plan.identity
    : { ...plan.identity, uid: 0, gid: 0 }
  return [
    ...['--unshare-user', '--uid', `${uid}`, '--gid', `${gid}`],
    ...by('no-user-namespaces', '--disable-userns'),
    ...by('ipc-namespace', '--unshare-ipc'),
    ...by('pid-namespace', '--unshare-pid'),
    ...by('uts-namespace', '--unshare-uts'),
    ...by('cgroup-namespace', '--unshare-cgroup'),
    ...by('uts-namespace', '--hostname', hostName),
    ...by('own-session', '--new-session'),
    ...by('pid-namespace', '--as-pid-1'),
    ...(inForce.on('no-capabilities') ? ['--cap-drop', 'ALL'] : ['--cap-add', 'ALL']),
    ...['--seccomp', FILTER_FD, '--info-fd', INFO_FD],
    ...rootWords(plan, host, inForce),
    ...procWords(host, inForce),
    ...devWords(inForce),
    ...(inForce.on('own-dev') ? devices.flatMap((path) => ['--dev-bind', path, path]) : []),
    ...fileWords(plan, inForce),
    ...by('own-dev', '--remount-ro', '/dev'),
    ...by('read-only-root', '--remount-ro', '/'),
  ]
}

/** The words by which a mechanism is had. */
export type By = (mechanism: MechanismId, ...words: string[]) => string[]

/** Outer folders first, so that a grant below another is mounted over it and not under it. */
function fileWords(plan: Plan, inForce: InForce): string[] {
  const readable = inForce.on('grant-read-only') ? '--ro-bind' : '--bind'

  const places = plan.files.scratch.places.map((inside, index) => ({
    inside,
    words: isHosts(inside, inForce) ? [] : ['--bind', `/sys/s/${index}`, inside],
  }))
  const grants = plan.files.read.map(({ inside }, index) => ({
    inside,
    words: [readable, `/sys/g${index}`, inside],
  }))
  const live = plan.files.live.map(({ inside }, index) => ({
    inside,
    words: ['--bind', `/sys/g${plan.files.read.length + index}`, inside],
  }))
  return [...places, ...grants, ...live]
    .sort((a, b) => a.inside.split('/').length - b.inside.split('/').length)
    .flatMap(({ words }) => words)
}
