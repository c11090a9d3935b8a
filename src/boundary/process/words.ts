/** The plan in bubblewrap's words. Pure; golden-tested. */
import type { HostFacts } from '../../host/index.js'
import type { Plan } from '../../plan/index.js'
import { procWords, rootWords } from './root.js'

/** Descriptors that cell hands to bubblewrap, see `native/cell/cell.h`. */
const FILTER_FD = '8'
const INFO_FD = '10'

export function bubblewrapWords(plan: Plan, host: HostFacts): string[] {
  return [
    ...[
      '--unshare-user',
      '--uid',
      `${plan.identity.uid}`,
      '--gid',
      `${plan.identity.gid}`,
      '--disable-userns',
    ],
    ...['--unshare-ipc', '--unshare-pid', '--unshare-uts', '--unshare-cgroup'],
    ...['--hostname', plan.identity.hostName],
    ...['--new-session', '--as-pid-1', '--cap-drop', 'ALL'],
    ...['--seccomp', FILTER_FD, '--info-fd', INFO_FD],
    ...rootWords(plan, host),
    ...procWords(host),
    ...['--dev', '/dev'],
    ...fileWords(plan),
    ...['--remount-ro', '/dev', '--remount-ro', '/'],
  ]
}

/** Outer folders first, so that a grant below another is mounted over it and not under it. */
function fileWords(plan: Plan): string[] {
  const places = plan.files.scratch.places.map((inside, index) => ({
    inside,
    words: ['--bind', `/sys/s/${index}`, inside],
  }))
  const grants = plan.files.read.map(({ inside }, index) => ({
    inside,
    words: ['--ro-bind', `/sys/g${index}`, inside],
  }))
  const live = plan.files.live.map(({ inside }, index) => ({
    inside,
    words: ['--bind', `/sys/g${plan.files.read.length + index}`, inside],
  }))
  return [...places, ...grants, ...live]
    .sort((a, b) => a.inside.split('/').length - b.inside.split('/').length)
    .flatMap(({ words }) => words)
}
