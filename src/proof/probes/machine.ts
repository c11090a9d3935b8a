/** The machine and what runs on it: names, control groups, memory and sockets that others share, who opens what. */
import type { RequirementId } from '../../plan/index.js'
import { covers, unlessAllowed } from './derive.js'
import type { Given, Pointless, Probe, Trial } from './probe.js'
import { attempt, refused, unless } from './refused.js'
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

/** Sockets that do what they are told by whoever finds them. */
const ENGINES = [
  '/run/docker.sock',
  '/var/run/docker.sock',
  '/run/containerd/containerd.sock',
  '/run/crio/crio.sock',
  '/run/podman/podman.sock',
  '/run/dbus/system_bus_socket',
  '/run/systemd/private',
  '/run/systemd/journal/socket',
  '/run/systemd/notify',
  '/run/snapd.socket',
  '/dev/log',
  '/tmp/.X11-unix/X0',
  '/var/run/nscd/socket',
  '/run/libvirt/libvirt-sock',
] as const
/** By which programs find them. */
const NAMED_BY =
  /(?:^| )(?:SSH_AUTH_SOCK|DOCKER_HOST|DBUS_SESSION_BUS_ADDRESS|XDG_RUNTIME_DIR|WAYLAND_DISPLAY|NOTIFY_SOCKET)(?: |$)/

const isGranted = ({ plan }: Given, path: string) =>
  [...plan.files.read, ...plan.files.live].some(({ inside }) => covers(inside, path))

const NO_DOMAIN = '(none)'

export const machineProbes: readonly Probe[] = [
  probe('names.host', 'isolation.host-name', 'host-information', 'learn the name of the host', () =>
    refused(({ plan }) => {
      const tells = (words: readonly [string, ...string[]]) =>
        attempt(words, ({ result, detail }) => result === 'ok' && detail !== plan.identity.hostName)
      return [tells(['host-name']), tells(['read', '/proc/sys/kernel/hostname'])]
    }),
  ),
  probe('names.domain', 'isolation.host-name', 'host-information', 'learn the NIS domain of the host', () => {
    const told = attempt(['domain-name'], ({ result, detail }) => result === 'ok' && detail !== NO_DOMAIN)
    return refused(() => [told], {
      // most hosts have none: in the open it is told of one that is set for that, in a namespace of its own
      control: () => [{ ...told, words: ['domain-name', 'glovebox-verify.test'] }],
      where: 'privileged',
    })
  }),
  probe(
    'names.cgroup',
    'isolation.cgroup-view',
    'host-information',
    'learn its place among the control groups',
    () => {
      const paths = (detail: string) => detail.split(' ').map((line) => line.split(':').slice(2).join(':'))
      const told = attempt(
        ['read', '/proc/self/cgroup'],
        ({ result, detail }) => result === 'ok' && paths(detail).some((path) => path !== '/' && path !== ''),
      )
      // a caller in the root of each hierarchy has no path to tell
      return refused(() => [told, { ...told, words: ['read', '/proc/1/cgroup'] }], {
        control: () => [{ ...told, lacking: ({ result }) => result === 'ok' }],
      })
    },
  ),
  probe('ipc.abstract', 'isolation.ipc', 'host-ipc', 'connect to an abstract socket of the host', () =>
    refused(({ decoys }) => [['unix', decoys.process.abstractSocket]]),
  ),
  probe('ipc.memory', 'isolation.ipc', 'host-ipc', 'attach System V memory of the host', () =>
    refused(({ decoys }) => [
      attempt(['shm', decoys.memoryKey ?? '0'], ({ detail }) => detail.includes(decoys.canary)),
    ]),
  ),
  probe('ipc.queue', 'isolation.ipc', 'host-ipc', 'open a POSIX message queue of the host', () =>
    refused(({ decoys }) => [unless(['ENOENT'], ['queue', decoys.queue ?? 'none'])]),
  ),
  probe(
    'sockets.path',
    'files.host-hidden',
    'engine-sockets',
    'connect to a socket of the host by its path',
    () => refused(({ decoys }) => [['unix', decoys.socket]]),
  ),
  probe(
    'sockets.engines',
    'files.host-hidden',
    'engine-sockets',
    'connect to engines and agents where they listen',
    (given) => {
      const paths = ENGINES.filter((path) => !isGranted(given, path))
      return refused(() => paths.flatMap((path) => [['there', path] as const, ['unix', path] as const]), {
        control: ({ decoys }) => [
          ['there', decoys.socket],
          ['unix', decoys.socket],
        ],
      })
    },
  ),
  probe(
    'sockets.named',
    'isolation.nothing-inherited',
    'engine-sockets',
    'find a variable that names an agent',
    ({ plan }) => {
      const names = Object.keys(plan.env).join(' ')
      const tells = (words: readonly [string, ...string[]], pattern: RegExp) =>
        attempt(words, ({ detail }) => pattern.test(detail))
      return NAMED_BY.test(names)
        ? { pointless: 'the policy sets such a variable itself' }
        : refused(() => [tells(['variables', '/proc/self/environ'], NAMED_BY)], {
            control: ({ decoys }) => [
              tells(['variables', `/proc/${decoys.process.pid}/environ`], /GLOVEBOX_CANARY\b/),
            ],
          })
    },
  ),
  probe(
    'watching.inotify',
    'syscalls.profile',
    'watching',
    'see by inotify which programs the host starts',
    (given) =>
      unlessAllowed(
        given,
        ['inotify_init', 'inotify_init1', 'inotify_add_watch'],
        refused(
          () => [
            ['watch', '/usr/bin'],
            ['watch', '/usr/bin/env'],
          ],
          // SELinux's policies have a right of its own for it, which Debian's gives to nobody
          { control: ({ decoys }) => [unless(['EACCES'], ['watch', decoys.file])] },
        ),
      ),
  ),
  probe('watching.fanotify', 'syscalls.profile', 'watching', 'see the same by fanotify', (given) =>
    unlessAllowed(
      given,
      ['fanotify_init', 'fanotify_mark'],
      refused(() => [unless(['EPERM', 'EINVAL'], ['watch-mount', '/usr/bin'])], {
        control: ({ decoys }) => [unless(['EPERM', 'EINVAL'], ['watch-mount', decoys.folder])],
      }),
    ),
  ),
  probe('watching.notify', 'syscalls.profile', 'watching', 'see the same by F_NOTIFY', (given) =>
    unlessAllowed(
      given,
      ['fcntl'],
      refused(() => [['notify', '/usr/bin']], {
        control: ({ decoys }) => [unless(['EACCES'], ['notify', decoys.folder])],
      }),
    ),
  ),
  probe(
    'watching.lease',
    'syscalls.profile',
    'watching',
    'have programs of the host wait, by a lease on their files',
    (given) =>
      unlessAllowed(
        given,
        ['fcntl'],
        // EAGAIN: somebody has it open for writing just now
        refused(() => [['lease', '/usr/bin/env']], {
          control: ({ decoys }) => [unless(['EAGAIN'], ['lease', decoys.file])],
        }),
      ),
  ),
]
