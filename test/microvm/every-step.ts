/** Lists of steps that a machine takes: every kind of them is in one. */
import { MOUNT, type Step, step } from '../../src/boundary/microvm/guest/steps.js'

const OWNED = { mode: 0o640, uid: 1000, gid: 7 }
const side = (size: number) => ({ own: Buffer.alloc(size, 1), router: Buffer.alloc(size, 2), prefix: 30 })

/** What a machine that was saved still takes, by the tag of its frame. */
export function everyMoment(): { readonly T: readonly Step[]; readonly G: readonly Step[] } {
  return {
    T: [
      step.clock(1_700_000_000_000),
      step.entropy(Buffer.alloc(32, 7)),
      step.write('/own/ca', Buffer.from('PEM')),
    ],
    G: [
      step.own('/granted/0', OWNED),
      step.folder('/granted/0/a', OWNED),
      step.file('/granted/0/a/b', OWNED, Buffer.from('c')),
      step.append('/granted/0/a/b', Buffer.from('d')),
      step.link('/granted/0/l', 'a/b'),
    ],
  }
}

export function everyStep(): (readonly Step[])[] {
  const start = step.start('/r', 1000, 1000)
  return [
    [start],
    [
      step.clock(1_700_000_000_000),
      step.entropy(Buffer.alloc(32, 7)),
      step.folder('/sys/fs/cgroup/job', OWNED),
      step.cgroup('/sys/fs/cgroup/job'),
      step.write('/sys/fs/cgroup/job/pids.max', '20'),
      step.writeIfThere('/proc/sys/kernel/x', '1'),
      step.network({ loopback: true, link: { v4: side(4), v6: side(16), routerMac: Buffer.alloc(6, 3) } }),
      step.hostName('inside'),
      start,
    ],
    [
      step.mount({ type: 'erofs', source: '/dev/vda', target: '/o', flags: MOUNT.readOnly }),
      step.mount({ type: 'none', source: '/o/a', target: '/r/a', flags: MOUNT.bind | MOUNT.recursive }),
      step.file('/r/etc/hosts', OWNED, Buffer.from('127.0.0.1 localhost\n')),
      step.append('/r/etc/hosts', Buffer.from('::1 localhost\n')),
      step.own('/r/etc/hosts', OWNED),
      step.link('/r/bin', 'usr/bin'),
      step.device('/r/dev/null', 0o666, 1, 3),
      start,
    ],
  ]
}
