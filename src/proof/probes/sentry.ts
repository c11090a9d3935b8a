/**
 * Probes where the job's kernel is not this host's (gVisor's sentry): what Linux shows by a flag or a file, another kernel may show by
 * nothing, or by a file of its own that tells nothing. Each that differs is judged here by what matters of it, or says why there is
 * nothing to try; all others are as they are elsewhere.
 */
import { hasOwnKernel, isOfEngine } from '../../boundary/index.js'
import type { Plan } from '../../plan/index.js'
import { heardInTheOpen } from './outputs.js'
import type { Attempt, Bench, Given, Pointless, Probe, Trial, Tried } from './probe.js'
import { attempt, refused } from './refused.js'
import { PROCESSOR_WINDOW_MS, processorTimePlan, tooManyProcessors } from './scaled.js'

type Instead = (given: Given) => Trial | Pointless

export function onItsKernel(probe: Probe): Probe {
  const instead = INSTEAD[probe.id]
  if (instead === undefined) return probe
  return {
    ...probe,
    trial: (given) => (hasOwnKernel(given.plan.boundary) ? instead(given) : probe.trial(given)),
  }
}

const nothing =
  (pointless: string): Instead =>
  () => ({ pointless })

/** Of the first process: its agent's sockets, which it has at these numbers. */
const SOCKETS = [3, 10, 11]

/** Of an engine's it is two pipes: what leads to the host can be opened once more, see `forged.descriptors`. */
const TO_HOST = 11
const unspoken = ({ boundary }: Plan) =>
  isOfEngine(boundary) ? SOCKETS.filter((fd) => fd !== TO_HOST) : SOCKETS

/** An engine tells its first process these besides, and nothing of the host's in them. */
const isTold = (names: string, plan: Plan) =>
  names
    .split(' ')
    .every((name) => ['', 'HOME', ...(isOfEngine(plan.boundary) ? ['HOSTNAME', 'PATH'] : [])].includes(name))

const INSTEAD: Readonly<Record<string, Instead>> = {
  'identity.privileged-programs': ({ caller }) =>
    caller.noNewPrivileges
      ? { pointless: 'whoever verifies may gain none either (no_new_privs)' }
      : refused(() => [attempt(['no-new-privileges'], ({ detail }) => detail !== '1')]),
  'identity.mounts': nothing(
    'the sentry lists no such flag of a mount; no_new_privs holds for all of them, and on the host no job’s program is executed',
  ),
  'user-namespaces.limit': nothing(
    'behind the filter is no limit: a namespace that was made would be the sentry’s own, in which no call of this kernel is one more',
  ),
  // that it can be seen is no secret: it is the same in every sandbox
  'first-process.environment': () =>
    refused(
      ({ plan }) => [attempt(['variables', '/proc/1/environ'], ({ detail }) => !isTold(detail, plan))],
      {
        control: ({ decoys }) => [attempt(['variables', `/proc/${decoys.process.pid}/environ`])],
      },
    ),
  'first-process.arguments': () => {
    const told = (detail: string) => !/^\/\.glovebox\/agent --carried(?: --sealed)? *$/.test(detail)
    return refused(
      () => [attempt(['read', '/proc/1/cmdline'], ({ result, detail }) => result === 'ok' && told(detail))],
      {
        control: ({ decoys }) => [
          attempt(
            ['read', `/proc/${decoys.process.pid}/cmdline`],
            ({ result, detail }) => result === 'ok' && told(detail),
          ),
        ],
      },
    )
  },
  'first-process.memory': () =>
    refused(
      () => [
        ['mem', '1'],
        ['peek', '1'],
        ['poke', '1'],
      ],
      {
        control: ({ decoys: { process } }) => [
          ['mem', `${process.pid}`],
          ['vm-read', `${process.pid}`, process.canaryAt],
          ['vm-write', `${process.pid}`, process.canaryAt],
        ],
      },
    ),
  'first-process.descriptors': () =>
    refused(
      ({ plan }) => [
        ['steal-fd', '1', '3'],
        ['kcmp', '1'],
        ...unspoken(plan).flatMap((fd) => [
          ['put', `/proc/1/fd/${fd}`, 'x'] as const,
          ['read', `/proc/1/fd/${fd}`] as const,
        ]),
      ],
      {
        control: ({ decoys }) => [
          ['steal-fd', `${decoys.process.pid}`, '0'],
          ['kcmp', `${decoys.process.pid}`],
        ],
      },
    ),
  'first-process.killed': nothing(
    'a job that ends its first process ends the sandbox, and with it itself: nothing else is that process’s to keep',
  ),
  'forged.descriptors': ({ plan }) =>
    isOfEngine(plan.boundary)
      ? { inside: async (bench) => [await saidInItsName(bench)], control: heardInTheOpen }
      : {
          pointless:
            'the list can be had; that nothing in it can be written to, by whatever name, `forged.frames` and `first-process.descriptors` try',
        },
  'names.domain': () =>
    refused(
      ({ plan }) => [
        attempt(
          ['domain-name'],
          ({ result, detail }) => result === 'ok' && detail !== plan.identity.hostName,
        ),
      ],
      { control: () => [attempt(['domain-name', 'glovebox-verify.test'])], where: 'privileged' },
    ),
  'inherited.memory-score': nothing(
    'the score inside is a number of the sentry’s; the one that this kernel goes by is its process’s, which no job can name',
  ),
  'files.sys': () =>
    refused(
      () =>
        [
          '/sys/class/dmi/id/product_name',
          '/sys/class/net',
          '/sys/kernel',
          '/sys/devices',
          '/sys/fs/cgroup',
        ].map((path) => ['there', path] as const),
      {
        control: () => [['there', '/sys/kernel']],
      },
    ),
  'files.mount-list': (given) =>
    refused(() => [attempt(['read', '/proc/self/mountinfo'], ({ detail }) => tellsPaths(given, detail))]),
  'files.host-devices': () => ({
    inside: async (bench) => (await bench.inside(OF_THE_HOST)).tried,
    control: (bench) => bench.open(OF_THE_HOST),
  }),
  'proc.masked': () => {
    const tells = (path: string, own: RegExp) =>
      attempt(['read', path], ({ result, detail }) => result === 'ok' && detail !== '' && !own.test(detail))
    const files = [
      tells('/proc/cmdline', /gvisor/),
      ...[
        '/proc/keys',
        '/proc/timer_list',
        '/proc/kallsyms',
        '/proc/modules',
        '/proc/iomem',
        '/proc/interrupts',
      ].map((path) => tells(path, /^$/)),
    ]
    return refused(() => files, {
      control: () => files.map((each) => ({ ...each, lacking: ({ result }) => result !== 'ok' })),
    })
  },
  'proc.mask': nothing(
    'nothing is masked: /proc is the sentry’s own, and has no file of this kernel to cover',
  ),
  // the sentry takes the number for one of its own ABI, and asks the filter: what would be reached is the other ABI's call
  'abi.int80': () => otherAbi(attempt(['int80', '20'])),
  'abi.int80-socket': () => otherAbi(attempt(['int80-socket', '2'])),
  'gateway.server-in-its-place': nothing(
    'the gateway’s sockets are in another namespace, one hop out: a server of the job’s own stack is heard by the job alone',
  ),
  'processors.time': processorTime,
}

/** An engine's pipe takes it: then the run must end as one that was spoken for by somebody else. */
async function saidInItsName(bench: Bench): Promise<Tried> {
  const put = attempt(['put', `/proc/1/fd/${TO_HOST}`, 'xxxxxxxx'])
  const { run } = await bench.inside([put])
  const { reason } = run.outcome.verdict
  const reached = reason === 'exited'
  return {
    attempt: put.words.join(' '),
    look: { result: reached ? 'ok' : 'ended', detail: `reason ${reason}` },
    reached,
  }
}

const survived = (each: Attempt): Attempt => ({
  ...each,
  reached: ({ result }) => result === 'ok' || result === 'ENOSYS',
  lacking: ({ result }) => result === 'SIGSEGV',
})

function otherAbi(each: Attempt): Trial | Pointless {
  return process.arch === 'x64'
    ? refused(() => [each], { control: () => [survived(each)] })
    : { pointless: 'there is no other ABI on this architecture that the program could use' }
}

/** Block devices, memory, ports and input: what leads to the machine. The sentry's tun and fuse are its own. */
const OF_THE_HOST: readonly Attempt[] = [
  'mem',
  'port',
  'kmsg',
  'kvm',
  'sda',
  'vda',
  'nvme0',
  'loop0',
  'input',
  'mapper',
  'cpu',
  'hpet',
  'uinput',
].map((name) => ({ words: ['there', `/dev/${name}`], lacking: ({ result }) => result === 'ENOENT' }))

/** Lines of `id parent device root point options`: of a root the sentry tells `/`, and as source `none`. */
function tellsPaths({ plan }: Given, mountinfo: string): boolean {
  const inside = new Set([
    ...plan.files.scratch.places,
    ...plan.files.read.map((each) => each.inside),
    ...plan.files.live.map((each) => each.inside),
  ])
  const lines = mountinfo.split(/ (?=\d+ \d+ \d+:\d+ )/).filter((line) => line.includes(' - '))
  return lines.some((line) => {
    const [, , , root = '', point = ''] = line.split(' ')
    const [, source = ''] = (line.split(' - ')[1] ?? '').split(' ')
    return (root !== '/' && !inside.has(point)) || (source !== 'none' && source.startsWith('/'))
  })
}

/** Its clock inside is the sentry's, which counts what it would have used: so the host counts, all that the sandbox used. */
function processorTime({ plan, host }: Given): Trial | Pointless {
  const scaled = processorTimePlan(plan, host)
  if (scaled === null) return { pointless: 'processors are granted by number, not as time' }
  const limit = tooManyProcessors(scaled) * 100
  const spin = attempt(
    ['spin', `${6 * host.cpus}`, `${4 * PROCESSOR_WINDOW_MS}`],
    ({ result, detail }) => result === 'ok' && Number(detail) > limit,
  )
  return {
    alone: true,
    inside: async (bench) => [await usedBySandbox(bench, spin, scaled, limit)],
    control: (bench) => bench.open([spin]),
  }
}

async function usedBySandbox(
  bench: Bench,
  spin: Attempt,
  scaled: Given['plan'],
  limit: number,
): Promise<Tried> {
  const { run } = await bench.inside([spin], scaled)
  const { end, times } = run.outcome
  const percent = Math.round((end.cpuMs / times.wallMs) * 100)
  return {
    attempt: spin.words.join(' '),
    look: { result: percent > limit ? 'ok' : 'ended', detail: `${percent}` },
    reached: percent > limit,
  }
}
